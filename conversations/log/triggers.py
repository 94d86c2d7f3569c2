"""Immutability in the database itself: triggers that refuse every change of an event.

On both databases an insert is refused unless it is the next one: the next position, the next sequence of its stream,
linked to the hash before it, with an id and an idempotency key that are new. This is also what stops SQLite's
INSERT OR REPLACE, which would delete the old row without firing the delete trigger.
"""

from django.db import connection

from conversations.log.chain import GENESIS

TABLE = "log_event"

_NEXT = f"""
    NEW.position {{differs}} (SELECT COALESCE(MAX(position), 0) + 1 FROM {TABLE})
    OR NEW.sequence {{differs}} (SELECT COALESCE(MAX(sequence), 0) + 1 FROM {TABLE} WHERE stream = NEW.stream)
    OR NEW.prev_hash {{differs}} COALESCE(
        (SELECT hash FROM {TABLE} WHERE stream = NEW.stream AND sequence = NEW.sequence - 1), '{GENESIS}')
    OR EXISTS (SELECT 1 FROM {TABLE} WHERE event_id = NEW.event_id)
    OR EXISTS (SELECT 1 FROM {TABLE} WHERE stream = NEW.stream AND idempotency_key = NEW.idempotency_key)
"""  # noqa: S608 - names and constants of this module, nothing from outside

SQLITE = {
    "log_event_no_update": f"""
        CREATE TRIGGER log_event_no_update BEFORE UPDATE ON {TABLE}
        BEGIN SELECT RAISE(ABORT, 'events cannot be changed'); END""",
    "log_event_no_delete": f"""
        CREATE TRIGGER log_event_no_delete BEFORE DELETE ON {TABLE}
        BEGIN SELECT RAISE(ABORT, 'events cannot be deleted'); END""",
    "log_event_only_next": f"""
        CREATE TRIGGER log_event_only_next BEFORE INSERT ON {TABLE} WHEN {_NEXT.format(differs="IS NOT")}
        BEGIN SELECT RAISE(ABORT, 'events can only be appended to the log, in order'); END""",
}

_FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION log_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'events cannot be changed or deleted' USING ERRCODE = 'integrity_constraint_violation'; END $$;
CREATE OR REPLACE FUNCTION log_event_only_next() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF {_NEXT.format(differs="IS DISTINCT FROM")} THEN
    RAISE EXCEPTION 'events can only be appended to the log, in order' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
"""
# ENABLE ALWAYS: a session that plays the replica (session_replication_role) would pass an ordinary trigger.
POSTGRESQL = {
    "log_event_no_update": f"""
        CREATE TRIGGER log_event_no_update BEFORE UPDATE ON {TABLE}
        FOR EACH STATEMENT EXECUTE FUNCTION log_event_refuse();
        ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER log_event_no_update;""",
    "log_event_no_delete": f"""
        CREATE TRIGGER log_event_no_delete BEFORE DELETE ON {TABLE}
        FOR EACH STATEMENT EXECUTE FUNCTION log_event_refuse();
        ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER log_event_no_delete;""",
    "log_event_no_truncate": f"""
        CREATE TRIGGER log_event_no_truncate BEFORE TRUNCATE ON {TABLE}
        FOR EACH STATEMENT EXECUTE FUNCTION log_event_refuse();
        ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER log_event_no_truncate;""",
    "log_event_only_next": f"""
        CREATE TRIGGER log_event_only_next BEFORE INSERT ON {TABLE}
        FOR EACH ROW EXECUTE FUNCTION log_event_only_next();
        ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER log_event_only_next;""",
}


def _definitions() -> dict[str, str]:
    return POSTGRESQL if connection.vendor == "postgresql" else SQLITE


def missing() -> list[str]:
    """Names of triggers that are not in the database or are not what they should be."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgenabled = 'A'", [TABLE])
            present = {name for (name,) in cursor.fetchall()}
            return [name for name in POSTGRESQL if name not in present]
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [TABLE])
        stored = {name: _squeeze(sql) for name, sql in cursor.fetchall()}
    return [name for name, sql in SQLITE.items() if stored.get(name) != _squeeze(sql)]


def install() -> None:
    """Puts all triggers in place, replacing what is there under their names."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_FUNCTIONS)
        for name, sql in _definitions().items():
            _drop(cursor, name)
            cursor.execute(sql)


def table_exists() -> bool:
    with connection.cursor() as cursor:
        return TABLE in connection.introspection.table_names(cursor)


def _drop(cursor: object, name: str) -> None:
    statement = f"DROP TRIGGER IF EXISTS {name}"
    if connection.vendor == "postgresql":
        statement += f" ON {TABLE}"
    cursor.execute(statement)  # type: ignore[attr-defined]  # Django's cursor wrappers share no public type


def _squeeze(sql: str) -> str:
    return " ".join(sql.split())
