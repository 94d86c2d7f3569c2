"""``manage.py rebuild_projections [--check]``: the read models are made from the log, and can be made again."""

from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from conversations.log.damage import DAMAGED
from conversations.projections import rebuild as conversations
from conversations.streams import conversation_of
from voices.projections import rebuild as voices

_SHOWN = 20


class Part(msgspec.Struct, frozen=True):
    """Read models of one kind. ``rebuild_all`` goes through the streams and tells what was different in each."""

    unit: str
    counted: str
    differ: str
    streams: Callable[[], list[str]]
    differences: Callable[[str], list[str]]
    rebuild_all: Callable[[list[str]], Iterable[tuple[str, list[str]]]]
    named: Callable[[str], str]


PARTS = (
    Part(
        unit="conversation",
        counted="conversations",
        differ="read models",
        streams=conversations.streams,
        differences=conversations.differences,
        rebuild_all=conversations.rebuild_all,
        named=lambda stream: f"conversation {conversation_of(stream)}",
    ),
    Part(
        unit="voice",
        counted="voices and their utterances",
        differ="voices",
        streams=voices.streams,
        differences=voices.differences,
        rebuild_all=voices.rebuild_all,
        named=lambda stream: stream.replace("-", " ", 1),
    ),
)


class Command(BaseCommand):
    help = "Makes conversations, turns and voices anew from the log; with --check only says where they differ from it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 when something differs")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        refused = [told for part in PARTS if (told := self._go_through(part, check=check))]
        if refused:
            raise CommandError(" ".join(refused), returncode=1)

    def _go_through(self, part: Part, *, check: bool) -> str:
        """Why the command fails, when it does; the other parts are gone through all the same."""
        known = part.streams()
        looked = ((stream, part.differences(stream)) for stream in known) if check else part.rebuild_all(known)
        bar: Iterator[tuple[str, list[str]]] = iter(
            tqdm(looked, total=len(known), unit=part.unit, disable=None, leave=False)
        )
        found = [f"{part.named(stream)}: {what}" for stream, told in bar for what in told]
        for line in found[:_SHOWN]:
            self.stderr.write(line)
        if len(found) > _SHOWN:
            self.stderr.write(f"... and {len(found) - _SHOWN} more")
        if check and found:
            return f"The {part.differ} differ from the log in {len(found)} places."
        if any(line.endswith(DAMAGED) for line in found):
            return f"Some {part.counted} could not be rebuilt; the others were."
        if known or part is PARTS[0]:
            verb = "equal to the log" if check else f"rebuilt, {len(found)} differences put right"
            self.stdout.write(self.style.SUCCESS(f"{len(known)} {part.counted}: {verb}."))
        return ""
