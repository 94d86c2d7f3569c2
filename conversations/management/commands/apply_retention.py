"""``manage.py apply_retention [--dry-run]``: erases what was kept for as long as the operator allows."""

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone
from tqdm import tqdm

from conversations.keeping import retention


class Command(BaseCommand):
    help = "Erases what is older than AVATAR_KEEP_DAYS, and sounds older than AVATAR_KEEP_SOUND_DAYS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="change nothing; say how much would be erased")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        if not (settings.KEEP_DAYS or settings.KEEP_SOUND_DAYS):
            self.stdout.write("Everything is kept for ever: AVATAR_KEEP_DAYS and AVATAR_KEEP_SOUND_DAYS are 0.")
            return
        now = timezone.now()
        items = retention.overdue(now)
        if dry_run:
            count = Counter(item.what for item in items)
        else:
            total = sum(1 for _ in retention.overdue(now))
            erasing = retention.apply(items, for_s=float("inf"))
            count = Counter(item.what for item in tqdm(erasing, total=total, disable=None, leave=False))
        verb = "would be erased" if dry_run else "erased"
        what = f"{count['conversation']} conversations, {count['turn']} turns and the sound of {count['sound']} turns"
        self.stdout.write(f"{what} {verb}.")
