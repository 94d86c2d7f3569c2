"""What a database still holds of rows that were overwritten, and taking it away as far as a database lets us.

SQLite overwrites what is deleted (``PRAGMA secure_delete``), but its write-ahead log has the pages as they were until
it is emptied, and rows that were moved between pages leave copies behind until VACUUM. PostgreSQL keeps the old version
of a row until VACUUM, and in its own write-ahead log for longer than that.
"""

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from django.db import DatabaseError, connection

JOURNAL_WAIT_S = 0.25
"""How long readers are waited for before the journal is left as it is; writers wait meanwhile."""


@dataclass(slots=True)
class Scrubbed:
    """For people: what was ``done``, what was tried and ``failed``, and what nothing here can do (``beyond``)."""

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)


def empty_journal(wait_s: float = JOURNAL_WAIT_S) -> bool:
    """Empties SQLite's write-ahead log; False when somebody was reading all the time. Elsewhere it does nothing."""
    if connection.vendor != "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        (usual,) = cursor.fetchone()
        cursor.execute(f"PRAGMA busy_timeout = {round(wait_s * 1000)}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")  # most of the work, and nobody waits for it
            cursor.fetchone()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (busy, _frames, _written) = cursor.fetchone()
        except DatabaseError:
            return False
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")
    return not busy


def size() -> int:
    """Bytes of the database that `rewrite` reads and writes; on SQLite all of it."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        else:
            cursor.execute("SELECT pg_database_size(current_database())")
        (count,) = cursor.fetchone()
    return int(count)


def rewrite(tables: Iterable[str]) -> Scrubbed:
    """Writes the database anew without what was deleted: all of it on SQLite, ``tables`` on PostgreSQL.

    Who writes waits meanwhile (on PostgreSQL, whoever uses the table). Not inside a transaction.
    """
    return _rewrite_postgresql(tables) if connection.vendor == "postgresql" else _rewrite_sqlite()


def _rewrite_sqlite() -> Scrubbed:
    scrubbed = Scrubbed()
    folder = Path(str(connection.settings_dict["NAME"])).parent
    needed, free = 2 * size(), shutil.disk_usage(folder).free
    if free < needed:
        scrubbed.failed.append(
            f"VACUUM needs {needed >> 20} MB of free disk beside the database and there are {free >> 20} MB: copies "
            "of erased keys may be left in it. Make room and run this again."
        )
    else:
        began = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
        scrubbed.done.append(f"database rewritten (VACUUM) in {time.monotonic() - began:.1f} s")
    if empty_journal(wait_s=5.0):
        scrubbed.done.append("write-ahead log emptied")
    else:
        scrubbed.failed.append("The write-ahead log is being read and was not emptied: run this again in a moment.")
    return scrubbed


def _rewrite_postgresql(tables: Iterable[str]) -> Scrubbed:
    scrubbed = Scrubbed()
    for table in tables:
        name = connection.ops.quote_name(table)
        _try(scrubbed, f"VACUUM (FULL, ANALYZE) {name}", f"{table} rewritten (VACUUM FULL)")
    # What the old segments hold is needed until a checkpoint; after it they are removed or written over.
    _try(scrubbed, "SELECT pg_switch_wal()", "a new segment of the write-ahead log begun")
    _try(scrubbed, "CHECKPOINT", "checkpoint made")
    scrubbed.beyond += _beyond_postgresql()
    return scrubbed


def _try(scrubbed: Scrubbed, statement: str, what: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as error:
        reason = str(error).splitlines()[0]
        scrubbed.failed.append(f"Not done: {statement} ({reason}).")
    else:
        scrubbed.done.append(what)


def _beyond_postgresql() -> list[str]:
    segments = (
        "Segments of the write-ahead log that were written before now hold the old rows until PostgreSQL removes or "
        "reuses them (pg_wal; max_wal_size, wal_keep_size and wal_recycle say when)."
    )
    beyond = [segments]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('archive_mode'), (SELECT count(*) FROM pg_replication_slots)")
        archive, slots = cursor.fetchone()
    if archive != "off":
        beyond.append(
            "The write-ahead log is archived (archive_mode): the archive holds the old rows until you prune it."
        )
    if slots:
        beyond.append(f"{slots} replication slots hold segments back, and replicas hold what they received.")
    beyond.append("Base backups, dumps and snapshots that were made before hold the old rows.")
    return beyond
