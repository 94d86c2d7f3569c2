"""What tests of erasure look at: every byte that is kept, the sounds, and whether the read models follow the log."""

import subprocess
from pathlib import Path

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from conversations.log.verify import verify
from conversations.services.access import Actor
from tests.conversations.conversing import Talked, talked

SECRET = (
    ("Where did I bury the zirconium?", "You buried the zirconium under the quince."),
    ("And the key?", "Quince."),
)
OTHER = (("How tall is the Matterhorn?", "The Matterhorn is 4478 metres tall."),)


def conversation(owner: Actor, *said: tuple[str, str]) -> Talked:
    return async_to_sync(talked)(str(owner.pk), *said)


def sounds() -> set[str]:
    return {path.name for path in (settings.DATA_DIR / "audio").rglob("*") if path.is_file()}


def stored() -> bytes:
    """Every byte that the installation keeps: database, journals, sounds. On PostgreSQL without its journal."""
    if connection.vendor == "postgresql":
        return _tables()
    name = Path(str(connection.settings_dict["NAME"]))
    files = [*name.parent.glob(name.name + "*"), *(path for path in (settings.DATA_DIR / "audio").rglob("*"))]
    # By another process: to close a file that SQLite has open would drop the locks that this process has on it.
    return subprocess.run(["cat", *filter(Path.is_file, files)], capture_output=True, check=True).stdout


def _tables() -> bytes:
    """The files of all tables and indexes, as they are on disk."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute(
            "SELECT pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class "
            "WHERE relkind IN ('r', 'i', 't') AND relnamespace != 'pg_catalog'::regnamespace"
        )
        return b"".join(bytes(content) for (content,) in cursor.fetchall())


def in_step() -> None:
    """The chain holds, and the read models are what the log says."""
    assert verify().breaks == []
    call_command("rebuild_projections", check=True)
