"""Which database: SQLite in the data folder, or the one that ``DATABASE_URL`` names."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from inference.env import BASE_DIR, ConfigurationError, Environment

VARIABLE = "DATABASE_URL"
_POSTGRESQL = frozenset({"postgresql", "postgres"})
_HINT = (
    "postgresql://USER:PASSWORD@HOST:5432/NAME, or sqlite:///FILE, or unset (SQLite in AVATAR_DATA_DIR). "
    "Characters such as @ : / # % in a password are written as %40 %3A %2F %23 %25"
)
WAIT_S = 20
"""The longest that a transaction waits for its turn to write."""
IDLE_S = 300
"""The longest that PostgreSQL lets a transaction stand open with nothing to do: its owner hangs, and holds up all."""


def is_postgresql(env: Environment) -> bool:
    """Raises `ConfigurationError` when the variable names no database that we know."""
    return _scheme(env.text(VARIABLE)) in _POSTGRESQL


def default(env: Environment, data_dir: Path) -> dict[str, Any]:
    """Django's settings of the database. Raises `ConfigurationError`, which never shows the value (a password)."""
    url = env.text(VARIABLE)
    scheme = _scheme(url)
    if scheme in _POSTGRESQL:
        return _postgresql(url)
    if scheme == "sqlite":
        parts = urlsplit(url)
        file = BASE_DIR / unquote(parts.path[1:])
        if parts.netloc or file == BASE_DIR:
            raise _wrong("has no file after sqlite:///")
        return _sqlite(file, data_dir)
    return _sqlite(data_dir / "avatar.sqlite3", data_dir)


def _sqlite(file: Path, data_dir: Path) -> dict[str, Any]:
    return {
        "ENGINE": "avatar_project.fair_sqlite",
        "NAME": file,
        # A file also under test: the log's threads have connections of their own, which memory would not give them.
        "TEST": {"NAME": str(data_dir / "test.sqlite3")},
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": WAIT_S,
            # What is deleted is overwritten: a key that was destroyed must not be found in the file.
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;"
            ),
        },
    }


def _postgresql(url: str) -> dict[str, Any]:
    try:
        from psycopg import IsolationLevel, ProgrammingError  # noqa: PLC0415 - installed for PostgreSQL alone
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(
            f"{VARIABLE} names PostgreSQL, and the package that talks with it is not installed. `make run` installs "
            "it; by hand: .venv/bin/python -m pip install --no-deps -r requirements/postgresql.txt."
        ) from None
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError:
        raise _wrong("is an address that PostgreSQL's client cannot read") from None
    name = parts.pop("dbname", None)
    if not name:
        raise _wrong("names no database after the host")
    given = {key: parts.pop(key, None) or "" for key in ("user", "password", "host", "port")}
    if not str(given["port"] or 0).replace(",", "").isdecimal():
        raise _wrong("has a port that is no number")
    ours = f"-c lock_timeout={WAIT_S}s -c idle_in_transaction_session_timeout={IDLE_S}s"
    parts["options"] = f"{ours} {parts.get('options') or ''}".strip()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": str(name),
        **{key.upper(): str(value) for key, value in given.items()},
        # A page's thread lives as long as the page: there is nothing to keep. The log's threads keep theirs themselves.
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "connect_timeout": 10,
            "application_name": "avatar",
            # What was appended before the lock was given must be seen after it (`conversations.log.store.serialise`).
            # Only for statements that ask for it (`conversations.log.statements`): Django's own are not prepared.
            "prepare_threshold": 5,
            "isolation_level": IsolationLevel.READ_COMMITTED,
            **parts,
        },
    }


def _scheme(url: str) -> str:
    if not url:
        return ""
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    if scheme not in _POSTGRESQL | {"sqlite"}:
        raise _wrong("names no database of these kinds")
    return scheme


def _wrong(what: str) -> ConfigurationError:
    return ConfigurationError(f"{VARIABLE} must be {_HINT}; what it is {what} (not shown: it may hold a password).")
