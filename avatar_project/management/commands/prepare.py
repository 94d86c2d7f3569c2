"""`manage.py prepare`: the database in step, and a first administrator. What `make run` does before it starts."""

import contextlib
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from conversations import schedules
from conversations.log.errors import LogError
from conversations.oversight import presence


class Command(BaseCommand):
    help = (
        "Brings the database up to date and creates the first administrator; without questions, as often as you like."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            Path(settings.DATA_DIR).mkdir(mode=0o700, parents=True, exist_ok=True)
            (Path(settings.DATA_DIR) / "static").mkdir(exist_ok=True)
            self._migrate()
            schedules.ensure()
            self._create_administrator()
            self._close_lost_sessions()
        except (DatabaseError, OSError) as error:
            there = "the disk's free room and who may write there (AVATAR_DATA_DIR)"
            if connection.vendor == "postgresql":
                there = "that PostgreSQL runs, and that DATABASE_URL names a database and a role that are there"
            said = " ".join(str(error).split()).rstrip(".?")
            raise CommandError(
                f"The database {connection.settings_dict['NAME']} cannot be used: {said}. Check {there}."
            ) from error

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if not plan:
            return
        self.stdout.write(f"Database: applying {len(plan)} migrations to {connection.settings_dict['NAME']}")
        call_command("migrate", interactive=False, verbosity=0)

    def _close_lost_sessions(self) -> None:
        """What a killed server could not say; what cannot be said now either, the task cluster says later."""
        with contextlib.suppress(LogError):
            if closed := presence.sweep():
                self.stdout.write(f"Sessions that had lost their server and are closed now: {closed}")

    def _create_administrator(self) -> None:
        users = get_user_model()
        # Taken as one write transaction: of two starts at once, the second sees the first one's administrator.
        with transaction.atomic():
            if users.objects.filter(is_superuser=True).exists():
                return
            taken = set(users.objects.filter(username__startswith="admin").values_list("username", flat=True))
            name = next(name for name in ("admin", *(f"admin{n}" for n in range(2, 1000))) if name not in taken)
            password = secrets.token_urlsafe(12)
            users.objects.create_superuser(username=name, password=password)
        self.stdout.write(
            f"\nFirst administrator: {name}\nPassword (shown this once): {password}\n"
            "Change it at /admin/password_change/ or with: manage.py changepassword " + name + "\n"
        )
