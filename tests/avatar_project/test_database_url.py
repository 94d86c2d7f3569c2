"""``DATABASE_URL`` chooses the database; a wrong one stops the start, and no message shows it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from avatar_project import database
from inference.env import BASE_DIR, ConfigurationError, Environment

SECRET = "hunter2"


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return Environment(tmp_path / ".env")


def _set(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DATABASE_URL", value)


def test_unset_it_is_sqlite_in_the_data_folder(env: Environment, tmp_path: Path) -> None:
    settings = database.default(env, tmp_path)
    assert settings["ENGINE"] == "avatar_project.fair_sqlite"
    assert settings["NAME"] == tmp_path / "avatar.sqlite3"
    assert "synchronous=FULL" in settings["OPTIONS"]["init_command"]
    assert not database.is_postgresql(env)


@pytest.mark.parametrize(
    ("value", "file"),
    [("sqlite:////srv/a%20b/c.sqlite3", Path("/srv/a b/c.sqlite3")), ("sqlite:///var/x.db", BASE_DIR / "var" / "x.db")],
)
def test_another_file(
    env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, file: Path
) -> None:
    _set(monkeypatch, value)
    assert database.default(env, tmp_path)["NAME"] == file


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_postgresql_with_all_its_parts(
    env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    _set(monkeypatch, f"{scheme}://talker:p%40ss%2Fword@db.example:6543/avatar?sslmode=require&application_name=mine")
    settings = database.default(env, tmp_path)
    assert database.is_postgresql(env)
    assert settings["ENGINE"] == "django.db.backends.postgresql"
    given = [settings[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")]
    assert given == ["avatar", "talker", "p@ss/word", "db.example", "6543"]
    assert settings["OPTIONS"]["sslmode"] == "require"
    assert settings["OPTIONS"]["application_name"] == "mine"
    assert "lock_timeout=20s" in settings["OPTIONS"]["options"]


def test_postgresql_over_a_unix_socket(env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, "postgresql:///avatar?host=/var/run/postgresql")
    settings = database.default(env, tmp_path)
    assert (settings["NAME"], settings["HOST"], settings["PORT"]) == ("avatar", "/var/run/postgresql", "")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (f"mysql://root:{SECRET}@db/avatar", "names no database of these kinds"),
        (f"user:{SECRET}@db/avatar", "names no database of these kinds"),
        (f"postgresql://user:{SECRET}@db", "names no database after the host"),
        (f"postgresql://user:{SECRET}@db:port/avatar", "has a port that is no number"),
        (f"postgresql://user:{SECRET}@db/avatar?colour=blue", "cannot read"),
        (f"postgresql://user:{SECRET}%@db/avatar", "cannot read"),
        (f"postgresql://[user:{SECRET}@db/avatar", "names no database of these kinds"),
        ("sqlite://", "has no file"),
        (f"sqlite://{SECRET}/x.db", "has no file"),
    ],
)
def test_a_wrong_one_is_named_and_never_shown(
    env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, told: str
) -> None:
    _set(monkeypatch, value)
    with pytest.raises(ConfigurationError) as error:
        database.default(env, tmp_path)
    assert str(error.value).startswith("DATABASE_URL must be postgresql://")
    assert told in str(error.value)
    assert SECRET not in str(error.value)


def test_the_start_stops_with_the_variables_name_alone() -> None:
    wrong = {**os.environ, "DATABASE_URL": f"mysql://root:{SECRET}@db/avatar"}
    command = [sys.executable, "manage.py", "check"]
    done = subprocess.run(command, cwd=BASE_DIR, env=wrong, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("AVATAR cannot start: DATABASE_URL must be")
    assert SECRET not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_without_the_package_it_says_how_to_get_it(
    env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, f"postgresql://user:{SECRET}@db/avatar")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"not installed.*requirements/postgresql\.txt"):
        database.default(env, tmp_path)


def test_the_package_is_not_in_the_default_installation() -> None:
    requirements = BASE_DIR / "requirements"
    assert "psycopg" not in (requirements / "base.txt").read_text()
    assert "psycopg==" in (requirements / "postgresql.txt").read_text()
