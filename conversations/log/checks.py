"""System checks: the master key is usable, the database refuses changes of events."""

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
