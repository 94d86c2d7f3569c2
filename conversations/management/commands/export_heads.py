"""``manage.py export_heads FILE``: the end of every chain, signed, to be kept where the database is not."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from conversations.log import heads
from conversations.log.errors import LogError
from conversations.proof import heads_export


class Command(BaseCommand):
    help = (
        "Writes the heads of all hash chains into a signed file. Keep it, and the public key it is signed with, where "
        "whoever can change the database cannot: `verify_chain --heads FILE` then shows a rewritten log."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="where to write it; - is standard output")

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        try:
            if file == "-":
                exported = heads.export()
                sys.stdout.buffer.write(heads.encode(exported))
            else:
                exported = heads_export.write(Path(file))
        except (OSError, LogError) as error:
            raise CommandError(f"The heads were not exported: {error}") from error
        said = exported.statement
        self.stderr.write(
            f"{said.streams} chains up to position {said.highest_position}, {said.made_at:%Y-%m-%d %H:%M:%S %Z}"
        )
        self.stderr.write(f"digest      {said.digest}")
        self.stderr.write(f"public key  {exported.public_key}")
