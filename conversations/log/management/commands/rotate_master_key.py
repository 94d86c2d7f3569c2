"""``manage.py rotate_master_key``: every conversation's key under the present master key, whichever it was under."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from conversations.log import crypto, rotation
from conversations.log.errors import LogError


class Command(BaseCommand):
    help = (
        "Wraps the keys of all conversations anew: AVATAR_MASTER_KEY is the new master key, "
        "AVATAR_MASTER_KEY_PREVIOUS the one before. May be killed and called again; conversations go on meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch", type=int, default=rotation.BATCH, help="keys in one transaction (default 200)")

    def handle(self, *args: Any, batch: int, **options: Any) -> None:
        try:
            present = crypto.fingerprint(crypto.master_key())
            with tqdm(total=rotation.pending().count(), unit="key", disable=None, leave=False) as bar:
                done = rotation.rotate(bar.update, batch=max(1, batch))
            left = rotation.unknown()
        except LogError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{done} keys wrapped anew; the present master key is {present}.")
        if left:
            which = ", ".join(f"{count} under {master or 'an unnamed key'}" for master, count in sorted(left.items()))
            raise CommandError(
                f"{sum(left.values())} keys are under a master key that was not given ({which}): "
                "set AVATAR_MASTER_KEY_PREVIOUS to it and call this again."
            )
        self.stdout.write(self.style.SUCCESS("Every conversation opens with the present master key alone."))
        if len(crypto.master_keys()) > 1:
            self.stdout.write("Take AVATAR_MASTER_KEY_PREVIOUS away and start the servers again.")
