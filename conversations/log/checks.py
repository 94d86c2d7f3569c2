"""System checks: the master key is usable, the database refuses changes of events and keeps what it has confirmed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.db import DatabaseError, connection

from conversations.log import crypto, triggers
from conversations.log.errors import MasterKeyMissing


@checks.register()
def check_master_key(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    try:
        crypto.master_key()
    except MasterKeyMissing as error:
        return [
            checks.Error(
                str(error),
                hint='Make one with: python -c "import os, base64; print(base64.b64encode(os.urandom(32)).decode())"',
                id="log.E001",
            )
        ]
    return []


@checks.register()
def check_immutability(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """An error; for `migrate`, which names its databases and puts the triggers back, only a warning."""
    if connection.vendor == "sqlite" and not Path(str(connection.settings_dict["NAME"])).exists():
        return []
    try:
        missing = triggers.missing() if triggers.table_exists() else []
    except DatabaseError:
        return []  # No database to speak of yet; whatever needs it says so itself.
    if not missing:
        return []
    text = f"The database does not protect the event log: {', '.join(missing)} missing or changed."
    hint = "Run `manage.py migrate`, which puts the triggers back, then `manage.py verify_chain`."
    kind = checks.Warning if databases else checks.Error
    return [kind(text, hint=hint, id="log.W002" if databases else "log.E002")]


@checks.register()
def check_durability(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """A fact is acknowledged once it is on disk: PostgreSQL must not be told to say so earlier."""
    if connection.vendor != "postgresql":
        return []
    wanted = "SELECT name FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit') AND setting = 'off' ORDER BY 1"
    try:
        with connection.cursor() as cursor:
            cursor.execute(wanted)
            off = [name for (name,) in cursor.fetchall()]
    except DatabaseError:
        return []  # As above.
    return [
        checks.Error(
            f"PostgreSQL confirms what is not on disk yet: {name} is off.",
            hint=f"Set {name} = on in postgresql.conf, or where else it was changed (ALTER SYSTEM, DATABASE, ROLE).",
            id="log.E003",
        )
        for name in off
    ]
