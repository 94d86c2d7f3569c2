"""``manage.py apply_rules [--since DATE]``: runs the flag rules now."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from conversations.flagging.applying import apply_new, apply_since


class Command(BaseCommand):
    help = (
        "Runs the enabled flag rules over what was said since the last run (the task cluster does so every minute), "
        "or with --since over what was said since a day. A turn is flagged once by each rule."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", metavar="DATE", help="such as 2026-11-01 or 2026-11-01T12:00")

    def handle(self, *args: Any, since: str | None, **options: Any) -> None:
        done = apply_since(_moment(since)) if since else apply_new(for_s=3600.0)
        self.stdout.write(self.style.SUCCESS(f"{done.looked} texts looked at, {done.matched} matches."))


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
        day = parse_date(text) if moment is None else None
    except ValueError as error:
        raise CommandError(f"{text!r} is no date: {error}.") from None
    if moment is None and day is not None:
        moment = datetime.combine(day, datetime.min.time())
    if moment is None:
        raise CommandError(f"{text!r} is no date. Write it like 2026-11-01 or 2026-11-01T12:00.")
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
