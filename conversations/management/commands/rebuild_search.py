"""``manage.py rebuild_search [--check]``: the search index is made from the record, and can be made again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from conversations.search import index

_SHOWN = 20


class Command(BaseCommand):
    help = "Makes the search index anew from what was said; with --check only says where it differs from that."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 when something differs")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        index.catch_up(for_s=float("inf"))
        known = index.known_conversations()
        found: list[str] = []
        for conversation_id in tqdm(known, unit="conversation", disable=None, leave=False):
            told = index.differences(conversation_id) if check else index.repair(conversation_id)
            found += [f"conversation {conversation_id}: {what}" for what in told]
        for line in found[:_SHOWN]:
            self.stderr.write(line)
        if len(found) > _SHOWN:
            self.stderr.write(f"... and {len(found) - _SHOWN} more")
        if check and found:
            raise CommandError(f"The search index differs from what was said in {len(found)} places.", returncode=1)
        verb = "equal to what was said" if check else f"rebuilt, {len(found)} differences put right"
        self.stdout.write(self.style.SUCCESS(f"{len(known)} conversations: {verb}."))
