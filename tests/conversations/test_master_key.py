"""The master key: from a file, and changed for another one while conversations go on, whatever happens meanwhile."""

import base64
import io
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from dotenv import dotenv_values
from pytest_django import Settings

from avatar_project.launch import keys as launch_keys
from conversations.log import crypto, keys, rotation, store
from conversations.log.errors import MasterKeyMissing
from conversations.log.eventlog import event_log
from conversations.log.models import Key, Purpose
from inference.env import ConfigurationError, Environment
from tests.conversations.log_helpers import append, said

ROOT = Path(__file__).resolve().parents[2]
OLD, NEW = (base64.b64encode(bytes([fill]) * 32).decode() for fill in (1, 2))


@pytest.fixture
def _under_the_old_key(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.log.projectors._projectors", {})
    settings.AVATAR_MASTER_KEY = OLD
    for number in range(5):
        append(f"test-{number}", said(f"words of {number}"))


def _words(stream: str) -> list[str]:
    return [event.payload["text"] for event in store.read_stream(stream)]


def _rotate() -> str:
    out = io.StringIO()
    call_command("rotate_master_key", "--batch", "2", stdout=out)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_under_the_old_key")
def test_both_keys_open_during_the_change_and_the_new_one_alone_afterwards(settings: Settings) -> None:
    settings.AVATAR_MASTER_KEY, settings.AVATAR_MASTER_KEY_PREVIOUS = NEW, OLD
    assert _words("test-0") == ["words of 0"]
    append("test-0", said("more"))
    append("test-new", said("begun meanwhile"))
    secrets = keys.KeyRing.load("test-1").stream_key().secret

    assert "5 keys wrapped anew" in _rotate()

    assert "0 keys wrapped anew" in _rotate()
    settings.AVATAR_MASTER_KEY_PREVIOUS = ""
    assert _words("test-0") == ["words of 0", "more"]
    assert _words("test-new") == ["begun meanwhile"]
    assert keys.KeyRing.load("test-1").stream_key().secret == secrets, "only the wrapping is new"
    settings.AVATAR_MASTER_KEY = OLD
    with pytest.raises(MasterKeyMissing):
        _words("test-0")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_under_the_old_key")
def test_a_server_that_has_the_keys_the_other_way_round_goes_on_too(settings: Settings) -> None:
    """Of several machines some are started anew before the others."""
    settings.AVATAR_MASTER_KEY, settings.AVATAR_MASTER_KEY_PREVIOUS = NEW, OLD
    rotation.rotate()
    settings.AVATAR_MASTER_KEY, settings.AVATAR_MASTER_KEY_PREVIOUS = OLD, NEW
    assert _words("test-3") == ["words of 3"]
    append("test-late", said("under the old key"))
    settings.AVATAR_MASTER_KEY, settings.AVATAR_MASTER_KEY_PREVIOUS = NEW, OLD
    assert rotation.rotate() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_under_the_old_key")
def test_a_key_that_was_destroyed_stays_destroyed(settings: Settings) -> None:
    event_log().write_now(lambda: keys.destroy("test-2"))
    settings.AVATAR_MASTER_KEY, settings.AVATAR_MASTER_KEY_PREVIOUS = NEW, OLD
    assert rotation.rotate() == 4
    assert Key.objects.get(stream="test-2", purpose=Purpose.STREAM).wrapped is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_under_the_old_key")
def test_keys_under_a_third_master_key_are_named_and_the_others_done(settings: Settings) -> None:
    settings.AVATAR_MASTER_KEY = base64.b64encode(b"3" * 32).decode()
    append("test-third", said("under a third"))
    third = crypto.fingerprint(crypto.master_key())
    settings.AVATAR_MASTER_KEY, settings.AVATAR_MASTER_KEY_PREVIOUS = NEW, OLD
    with pytest.raises(CommandError, match=f"1 keys are under a master key that was not given .1 under {third}"):
        _rotate()
    settings.AVATAR_MASTER_KEY_PREVIOUS = ""
    assert _words("test-4") == ["words of 4"]


def _manage(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", *arguments, "--skip-checks"]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _done(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def _under(database: Path) -> dict[str, int]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20) as connection:
        rows = connection.execute("SELECT master, COUNT(*) FROM log_key WHERE purpose = 'stream' GROUP BY master")
        return dict(rows.fetchall())


_MAKE = """
import django; django.setup()
from django.db import transaction
from conversations.log.keys import KeyRing
with transaction.atomic():
    for number in range(1500):
        KeyRing(f"test-{number}").stream_key(create=True)
"""
_OPEN = """
import django; django.setup()
from conversations.log.keys import KeyRing
print(len({KeyRing.load(f"test-{number}").stream_key().secret for number in range(1500)}))
"""


def test_killed_in_the_middle_it_goes_on_where_it_was(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "AVATAR_DATA_DIR": str(tmp_path),
        "AVATAR_MASTER_KEY": OLD,
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": "",
    }
    database = tmp_path / "avatar.sqlite3"
    _done(_manage(environment, "migrate", "--verbosity", "0"))

    def python(code: str) -> str:
        command = [sys.executable, "-c", code]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    python(_MAKE)
    environment |= {"AVATAR_MASTER_KEY": NEW, "AVATAR_MASTER_KEY_PREVIOUS": OLD}
    old, new = (crypto.fingerprint(crypto.parse_master_key(key)) for key in (OLD, NEW))
    for wanted in (1, 400):
        process = _manage(environment, "rotate_master_key", "--batch", "1")
        until = time.monotonic() + 60
        while _under(database).get(new, 0) < wanted:
            assert process.poll() is None, "it was over before it could be killed"
            assert time.monotonic() < until
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert _under(database).get(old, 0) > 0
        assert python(_OPEN).strip() == "1500", "half way, every conversation opens"

    assert "Every conversation opens" in _done(_manage(environment, "rotate_master_key"))

    assert _under(database) == {new: 1500}
    environment["AVATAR_MASTER_KEY_PREVIOUS"] = ""
    assert python(_OPEN).strip() == "1500"


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "master.key"
    path.write_text(f"{OLD}\n")
    path.chmod(0o600)
    monkeypatch.setenv("AVATAR_MASTER_KEY", "")
    monkeypatch.setenv("AVATAR_MASTER_KEY_FILE", str(path))
    return path


def _read() -> str:
    return Environment(Path("/nonexistent")).key("AVATAR_MASTER_KEY", size=32, file_name="AVATAR_MASTER_KEY_FILE")


def test_the_key_may_come_from_a_file(key_file: Path, tmp_path: Path) -> None:
    assert _read() == OLD
    key_file.chmod(0o640)
    assert _read() == OLD
    assert not any("MASTER" in line for line in launch_keys.write_missing(tmp_path / ".env"))
    assert "AVATAR_MASTER_KEY" not in dotenv_values(tmp_path / ".env"), "no second key is made beside it"


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644, 0o666])
def test_a_file_that_everybody_can_reach_is_refused(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600") as refusal:
        _read()
    assert OLD not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [("", "empty"), ("not base64!", "32 bytes in base64"), ("c2hvcnQ=", "5 bytes"), ("\N{SNOWMAN}", "can be read")],
)
def test_a_file_without_a_key_is_refused(key_file: Path, content: str, told: str) -> None:
    key_file.write_text(content)
    with pytest.raises(ConfigurationError, match=told) as refusal:
        _read()
    assert not content or content not in str(refusal.value)


def test_a_missing_file_and_a_second_key_beside_it_are_refused(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATAR_MASTER_KEY", NEW)
    with pytest.raises(ConfigurationError, match="AVATAR_MASTER_KEY_FILE must be unset where"):
        _read()
    monkeypatch.setenv("AVATAR_MASTER_KEY", "")
    key_file.unlink()
    with pytest.raises(ConfigurationError, match="a file that can be read"):
        _read()
