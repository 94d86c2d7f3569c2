"""``manage.py verify_chain [conversation] [--heads FILE]``: proves that the log is what was recorded."""

from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from tqdm import tqdm

from conversations.log.errors import LogError
from conversations.log.heads import HeadsFile, HeadsRefused, read
from conversations.log.models import Event, Head
from conversations.log.verify import Break, verify
from conversations.proof import verifying
from conversations.streams import CATEGORY, conversation_of, stream_of

_SHOWN = 20


class Command(BaseCommand):
    help = "Proves the hash chain of a conversation, or of all, or names the first broken event of each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("conversation", nargs="?", help="a conversation's id; without it everything is verified")
        parser.add_argument(
            "--heads", type=Path, metavar="FILE", help="a file of `export_heads`: the log must still hold these heads"
        )
        parser.add_argument("--public-key", default="", help="who must have signed it (default: this server)")

    def handle(self, *args: Any, conversation: str | None, heads: Path | None, public_key: str, **options: Any) -> None:
        stream = stream_of(conversation) if conversation else None
        exported = _read(heads, public_key) if heads is not None else None
        events = Event.objects.filter(stream=stream) if stream else Event.objects.all()
        count = events.count()
        if stream and not count and not Head.objects.filter(stream=stream).exists():
            raise CommandError(f"There is no conversation {conversation} in the log.")
        with tqdm(total=count, unit="event", disable=None, leave=False) as bar:
            verdict = verify(stream, bar.update, exported)
        with suppress(DatabaseError):  # A copy that cannot be written to is verified all the same.
            verifying.note(verdict, stream=stream)
        for found in verdict.breaks[:_SHOWN]:
            self.stderr.write(self.style.ERROR(f"BROKEN {_place(found)}: {found.what}"))
        if verdict.breaks:
            more = len(verdict.breaks) - _SHOWN
            tail = f" ({more} more not shown)" if more > 0 else ""
            raise CommandError(f"The log is not what was recorded: {len(verdict.breaks)} breaks{tail}.", returncode=1)
        self.stdout.write(self.style.SUCCESS(f"{verdict.events} events in {verdict.streams} streams: all chains hold."))
        if exported is not None:
            since = f"{exported.statement.made_at:%Y-%m-%d %H:%M:%S %Z}"
            self.stdout.write(self.style.SUCCESS(f"The heads exported at {since} are all in them."))


def _read(path: Path, public_key: str) -> HeadsFile:
    try:
        return read(path.read_bytes(), public_key)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except (HeadsRefused, LogError) as error:
        raise CommandError(f"{path}: {error}") from error


def _place(found: Break) -> str:
    if not found.stream:
        return f"log, position {found.position}"
    category, _, name = found.stream.partition("-")
    name = conversation_of(found.stream) if category == CATEGORY else name
    return f"{category} {name}, event {found.sequence} (position {found.position})"
