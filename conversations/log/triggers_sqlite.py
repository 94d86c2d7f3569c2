"""The triggers of SQLite. It drops them with the table whenever a migration remakes it."""

from typing import Any

from conversations.log.chain import GENESIS

TABLE = "log_event"
# Positions whose rows were removed are not given again: SQLite remembers the highest.
LAST_POSITION = f"""
    SELECT MAX(COALESCE((SELECT MAX(position) FROM {TABLE}), 0),
               COALESCE((SELECT seq FROM sqlite_sequence WHERE name = '{TABLE}'), 0))"""  # noqa: S608 - constants
_ONLY_NEXT = f"""
    NEW.position IS NOT ({LAST_POSITION}) + 1
    OR NEW.sequence IS NOT (SELECT COALESCE(MAX(sequence), 0) + 1 FROM {TABLE} WHERE stream = NEW.stream)
    OR NEW.prev_hash IS NOT COALESCE(
        (SELECT hash FROM {TABLE} WHERE stream = NEW.stream AND sequence = NEW.sequence - 1), '{GENESIS}')
    OR EXISTS (SELECT 1 FROM {TABLE} WHERE event_id = NEW.event_id)
    OR EXISTS (SELECT 1 FROM {TABLE} WHERE stream = NEW.stream AND idempotency_key = NEW.idempotency_key)
"""  # noqa: S608 - names and constants of this module, nothing from outside

TRIGGERS = {
    "log_event_no_update": f"""
        CREATE TRIGGER log_event_no_update BEFORE UPDATE ON {TABLE}
        BEGIN SELECT RAISE(ABORT, 'events cannot be changed'); END""",
    "log_event_no_delete": f"""
        CREATE TRIGGER log_event_no_delete BEFORE DELETE ON {TABLE}
        BEGIN SELECT RAISE(ABORT, 'events cannot be deleted'); END""",
    "log_event_only_next": f"""
        CREATE TRIGGER log_event_only_next BEFORE INSERT ON {TABLE} WHEN {_ONLY_NEXT}
        BEGIN SELECT RAISE(ABORT, 'events can only be appended to the log, in order'); END""",
}
NAMES = tuple(TRIGGERS)


def missing(cursor: Any) -> list[str]:
    """Names of triggers that are not there or are not ours."""
    cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [TABLE])
    stored = {name: _squeeze(sql) for name, sql in cursor.fetchall()}
    return [name for name, sql in TRIGGERS.items() if stored.get(name) != _squeeze(sql)]


def install(cursor: Any) -> None:
    for name, sql in TRIGGERS.items():
        cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
        cursor.execute(sql)


def highest_position_given(cursor: Any) -> int | None:
    """SQLite itself remembers it, also when that row is gone."""
    cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [TABLE])
    row = cursor.fetchone()
    return row[0] if row is not None else None


def _squeeze(sql: str) -> str:
    return " ".join(sql.split())
