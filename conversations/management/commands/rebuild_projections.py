"""``manage.py rebuild_projections [--check]``: the read models are made from the log, and can be made again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from conversations.projections.rebuild import DAMAGED, differences, rebuild_all, streams
from conversations.streams import conversation_of
from voices.projections import rebuild as voices

_SHOWN = 20


class Command(BaseCommand):
    help = "Makes conversations, turns and voices anew from the log; with --check only says where they differ from it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 when something differs")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        known = streams()
        found: list[str] = []
        looked = ((stream, differences(stream)) for stream in known) if check else rebuild_all(known)
        for stream, told in tqdm(looked, total=len(known), unit="conversation", disable=None, leave=False):
            found += [f"conversation {conversation_of(stream)}: {what}" for what in told]
        for line in found[:_SHOWN]:
            self.stderr.write(line)
        if len(found) > _SHOWN:
            self.stderr.write(f"... and {len(found) - _SHOWN} more")
        if check and found:
            raise CommandError(f"The read models differ from the log in {len(found)} places.", returncode=1)
        if any(line.endswith(DAMAGED) for line in found):
            raise CommandError("Some conversations could not be rebuilt; the others were.", returncode=1)
        verb = "equal to the log" if check else f"rebuilt, {len(found)} differences put right"
        self.stdout.write(self.style.SUCCESS(f"{len(known)} conversations: {verb}."))
        self._voices(check=check)

    def _voices(self, *, check: bool) -> None:
        known = voices.streams()
        looked = ((stream, voices.differences(stream)) for stream in known) if check else voices.rebuild_all(known)
        bar = tqdm(looked, total=len(known), unit="voice", disable=None, leave=False)
        found = [f"{stream.replace('-', ' ', 1)}: {what}" for stream, told in bar for what in told]
        for line in found[:_SHOWN]:
            self.stderr.write(line)
        if check and found:
            raise CommandError(f"The voices differ from the log in {len(found)} places.", returncode=1)
        if known:
            verb = "equal to the log" if check else f"rebuilt, {len(found)} differences put right"
            self.stdout.write(self.style.SUCCESS(f"{len(known)} voices and their utterances: {verb}."))
