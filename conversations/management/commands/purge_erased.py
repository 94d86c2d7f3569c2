"""``manage.py purge_erased``: removes what the database still holds of everything that was erased."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from conversations.keeping.purging import purge


class Command(BaseCommand):
    help = (
        "Writes the database anew without what was erased, and removes the files of erased sounds. Who writes waits "
        "meanwhile: one or two seconds for each 100 MB. Says what cannot be done from here."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        scrubbed = purge()
        for line in scrubbed.done:
            self.stdout.write(self.style.SUCCESS(line))
        for line in scrubbed.beyond:
            self.stdout.write(self.style.WARNING(line))
        if scrubbed.failed:
            raise CommandError("\n".join(scrubbed.failed))
