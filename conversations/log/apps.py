from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class LogConfig(AppConfig):
    """The event store: a leaf that imports no other app."""

    name = "conversations.log"
    label = "log"
    verbose_name = _("Event log")

    def ready(self) -> None:
        from conversations.log import checks  # noqa: F401, PLC0415 - importing registers them

        post_migrate.connect(_reinstall_triggers, sender=self)


def _reinstall_triggers(using: str = DEFAULT_DB_ALIAS, **kwargs: object) -> None:
    """SQLite remakes a table to alter it, and its triggers go with the old one: put them back after every migrate."""
    from conversations.log import triggers  # noqa: PLC0415 - needs the app registry

    if using == DEFAULT_DB_ALIAS and triggers.table_exists():
        triggers.install()
