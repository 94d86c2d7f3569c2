"""The triggers of PostgreSQL, and the mark: one row with the highest position ever given.

PostgreSQL does not remember that by itself (its sequences go on when a transaction is taken back). The mark goes up
in the transaction that appends (`move_mark`) and never down, so that a missing end of the log shows.
"""

from dataclasses import dataclass
from typing import Any

from conversations.log.chain import GENESIS

TABLE = "log_event"
MARK = "log_mark"
_ROW, _BEFORE, _INSERT, _DELETE, _UPDATE, _TRUNCATE = 1, 2, 4, 8, 16, 32
"""The bits of ``pg_trigger.tgtype``."""
_EVENTS = ((_INSERT, "INSERT"), (_DELETE, "DELETE"), (_UPDATE, "UPDATE"), (_TRUNCATE, "TRUNCATE"))

# `{schema}` stands before every table: a temporary table of the same name must not be taken for it.
FUNCTIONS = {
    "log_event_refuse": """
BEGIN
  RAISE EXCEPTION 'events cannot be changed or deleted' USING ERRCODE = 'integrity_constraint_violation';
END""",
    "log_event_only_next": f"""
DECLARE
  before record;
BEGIN
  SELECT sequence, hash INTO before FROM {{schema}}.{TABLE} WHERE stream = NEW.stream ORDER BY sequence DESC LIMIT 1;
  IF NEW.position IS DISTINCT FROM 1 + GREATEST(
      (SELECT position FROM {{schema}}.{MARK}), (SELECT MAX(position) FROM {{schema}}.{TABLE}))
    OR NEW.sequence IS DISTINCT FROM COALESCE(before.sequence, 0) + 1
    OR NEW.prev_hash IS DISTINCT FROM COALESCE(before.hash, '{GENESIS}')
    OR EXISTS (SELECT 1 FROM {{schema}}.{TABLE} WHERE event_id = NEW.event_id)
    OR (NEW.idempotency_key IS NOT NULL AND EXISTS
      (SELECT 1 FROM {{schema}}.{TABLE} WHERE stream = NEW.stream AND idempotency_key = NEW.idempotency_key))
  THEN
    RAISE EXCEPTION 'events can only be appended to the log, in order' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END""",  # noqa: S608 - names and constants of this module, nothing from outside
    "log_mark_only_up": f"""
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.position = GREATEST(OLD.position, (SELECT MAX(position) FROM {{schema}}.{TABLE})) THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'the mark of the log goes up to the newest event, and never down'
    USING ERRCODE = 'integrity_constraint_violation';
END""",  # noqa: S608 - as above
}


@dataclass(frozen=True, slots=True)
class Trigger:
    name: str
    table: str
    function: str
    kind: int

    def sql(self, schema: str) -> str:
        """ENABLE ALWAYS: a session that plays the replica (session_replication_role) passes an ordinary trigger."""
        when = " OR ".join(word for bit, word in _EVENTS if self.kind & bit)
        each = "ROW" if self.kind & _ROW else "STATEMENT"
        table = f"{schema}.{self.table}"
        return (
            f"CREATE TRIGGER {self.name} BEFORE {when} ON {table} "
            f"FOR EACH {each} EXECUTE FUNCTION {schema}.{self.function}(); "
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {self.name}"
        )


TRIGGERS = (
    Trigger("log_event_no_update", TABLE, "log_event_refuse", _BEFORE | _UPDATE),
    Trigger("log_event_no_delete", TABLE, "log_event_refuse", _BEFORE | _DELETE),
    Trigger("log_event_no_truncate", TABLE, "log_event_refuse", _BEFORE | _TRUNCATE),
    Trigger("log_event_only_next", TABLE, "log_event_only_next", _BEFORE | _INSERT | _ROW),
    Trigger("log_mark_only_up", MARK, "log_mark_only_up", _BEFORE | _UPDATE | _DELETE | _ROW),
    Trigger("log_mark_no_truncate", MARK, "log_mark_only_up", _BEFORE | _TRUNCATE),
)
# Positions whose rows were removed are not given again: the mark remembers them.
LAST_POSITION = f"SELECT GREATEST((SELECT position FROM {MARK}), (SELECT MAX(position) FROM {TABLE}))"  # noqa: S608
NEWEST = f"SELECT event_id FROM {TABLE} WHERE position > %s ORDER BY position DESC LIMIT 1"  # noqa: S608
MOVE_MARK = f"UPDATE {MARK} SET position = ({LAST_POSITION})"  # noqa: S608
NAMES = tuple(trigger.name for trigger in TRIGGERS)
_SEARCH_PATH = "search_path=pg_catalog, pg_temp"
_STANDING = """
    SELECT t.tgname, c.relname, t.tgtype, p.prosrc
    FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_proc p ON p.oid = t.tgfoid
    JOIN pg_language l ON l.oid = p.prolang
    WHERE c.oid IN (to_regclass(%s), to_regclass(%s)) AND t.tgenabled = 'A'
      AND t.tgqual IS NULL AND t.tgattr::text = '' AND l.lanname = 'plpgsql' AND p.proconfig = ARRAY[%s]
"""


def missing(cursor: Any) -> list[str]:
    """Names of triggers that are not there, are off, or do something else; the mark when it is not there."""
    schema = _schema(cursor)
    cursor.execute(_STANDING, [TABLE, MARK, _SEARCH_PATH])
    standing = set(cursor.fetchall())
    wanted = ((trigger, _body(trigger.function, schema)) for trigger in TRIGGERS)
    absent = [each.name for each, body in wanted if (each.name, each.table, each.kind, body) not in standing]
    return absent if highest_position_given(cursor) is not None else [*absent, MARK]


def install(cursor: Any) -> None:
    schema = _schema(cursor)
    mark = f"{schema}.{MARK}"
    cursor.execute(
        f"CREATE TABLE IF NOT EXISTS {mark} "
        "(one boolean PRIMARY KEY DEFAULT true CHECK (one), position bigint NOT NULL)"
    )
    highest = f"SELECT COALESCE(MAX(position), 0) FROM {schema}.{TABLE}"  # noqa: S608 - the catalogue's own name
    cursor.execute(f"INSERT INTO {mark} (position) {highest} ON CONFLICT DO NOTHING")
    for name in FUNCTIONS:
        cursor.execute(
            f"CREATE OR REPLACE FUNCTION {schema}.{name}() RETURNS trigger LANGUAGE plpgsql "
            f"SET search_path = pg_catalog, pg_temp AS $${_body(name, schema)}$$"
        )
    for trigger in TRIGGERS:
        cursor.execute(f"DROP TRIGGER IF EXISTS {trigger.name} ON {schema}.{trigger.table}")
        cursor.execute(trigger.sql(schema))


def highest_position_given(cursor: Any) -> int | None:
    """None when the mark is gone."""
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [MARK])
    if not cursor.fetchone()[0]:
        return None
    cursor.execute(f"SELECT position FROM {MARK}")  # noqa: S608 - a constant
    row = cursor.fetchone()
    return row[0] if row is not None else None


def _body(function: str, schema: str) -> str:
    return FUNCTIONS[function].replace("{schema}", schema)


def _schema(cursor: Any) -> str:
    """Where the table lies, quoted as SQL wants it."""
    cursor.execute(
        "SELECT quote_ident(nspname) FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid "
        "WHERE c.oid = to_regclass(%s)",
        [TABLE],
    )
    return str(cursor.fetchone()[0])
