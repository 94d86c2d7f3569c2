"""``manage.py export_fixture TURN``: a turn of the record as a test that stands by itself."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from conversations.errors import Refused
from conversations.log.errors import LogError
from conversations.rerun import fixture_export


class Command(BaseCommand):
    help = (
        "Writes a failed or interesting turn as a test: the user's sound, the conversation before it, what was made of "
        "it, and a test for pytest that replays it. PERSONAL DATA: the folder holds words and voice unencrypted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("turn", metavar="TURN|CONVERSATION", help="a turn's id, or a conversation's")
        parser.add_argument("number", nargs="?", default="", help="the turn's number, after a conversation's id")
        parser.add_argument("--to", type=Path, metavar="FOLDER", help="the folder to make (default: turn_<id>)")

    def handle(self, *args: Any, turn: str, number: str, to: Path | None, **options: Any) -> None:
        try:
            conversation_id, wanted = fixture_export.find(turn, number)
            folder = to or Path(f"turn_{conversation_id[:8]}_{wanted}")
            made = fixture_export.export(conversation_id, wanted, folder)
        except FileExistsError as error:
            raise CommandError(f"{error.filename} is there already: name another folder with --to.") from error
        except (Refused, LogError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{folder}: turn {made.number}, {len(made.said)} utterance(s)")
        self.stderr.write(
            self.style.WARNING(
                "PERSONAL DATA: the folder holds a person's words, and their voice if it was kept, unencrypted. "
                "Erasing the conversation will not erase it. Delete it when it has served."
            )
        )
