"""`manage.py models`: list, pull, verify and choose models."""

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from inference.catalogue import cli


class Command(BaseCommand):
    help = "Lists, pulls, verifies and chooses models (inference/models.toml)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        cli.add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        code = cli.run(argparse.Namespace(**options), sys.stdout, sys.stderr)
        if code:
            sys.exit(code)
