"""`manage.py engines`: environments and logs of engines that run in processes of their own."""

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from inference.host.children import cli


class Command(BaseCommand):
    help = "Lists, makes and removes the environments of engines; shows their logs (docs/engines.md)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        cli.add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        code = cli.run(argparse.Namespace(**options), sys.stdout, sys.stderr)
        if code:
            sys.exit(code)
