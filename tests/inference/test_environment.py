"""A wrong value stops the start with the variable's name, what it may be, and what it was; all are documented."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from inference.env import BASE_DIR, ConfigurationError, Environment

SOURCES = ("avatar_project", "conversations", "inference", "voices", "requirements")
VARIABLE = re.compile(
    r"\b(AVATAR_[A-Z0-9_]+[A-Z]|DATABASE_URL|XDG_CACHE_HOME|HF_[A-Z]+|PIP_INDEX_URL|NPM_CONFIG_REGISTRY|HTTPS_PROXY)\b"
)
INTERNAL = re.compile(r"AVATAR_RUN_\w+|AVATAR_LAB_\w+|AVATAR_TEST_DATABASE")
"""Set by the launcher, or by `make test`, for its own children."""


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return Environment(tmp_path / ".env")


def documented() -> set[str]:
    lines = (BASE_DIR / ".env.example").read_text().splitlines()
    return {found[1] for line in lines if (found := re.match(r"#?([A-Z][A-Z0-9_]+)=", line))}


def test_every_variable_that_is_read_is_documented_and_no_other() -> None:
    read = set()
    for folder in SOURCES:
        for file in (BASE_DIR / folder).rglob("*"):
            if file.suffix in {".py", ".conf"}:
                read |= set(VARIABLE.findall(file.read_text()))
    read = {name for name in read if not INTERNAL.fullmatch(name)}
    assert read == documented()


def test_documented_defaults_are_the_real_ones() -> None:
    """Each documented default, taken as a setting, is accepted."""
    lines = (BASE_DIR / ".env.example").read_text().splitlines()
    values = dict(line.removeprefix("#").split("=", 1) for line in lines if re.match(r"#?AVATAR_[A-Z0-9_]+=", line))
    done = run("import avatar_project.settings as s; print(s.PORT, s.GUESTS, s.INFERENCE.max_sessions)", **values)
    assert done.stdout.split() == ["8000", "auto", "5"], done.stderr


def run(code: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AVATAR_")}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=BASE_DIR, env=clean | environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("name", "value", "may_be"),
    [
        ("AVATAR_PORT", "http", "a whole number from 1 to 65535"),
        ("AVATAR_PORT", "70000", "a whole number from 1 to 65535"),
        ("AVATAR_GUESTS", "perhaps", "one of auto, on, off"),
        ("AVATAR_DEBUG", "maybe", "on or off"),
        ("AVATAR_CHAT_URL", "localhost:8080", "an address that begins with http or https"),
        ("AVATAR_ENGINE_URL", "engine.sock", "an address that begins with unix or http or https"),
        ("AVATAR_TIME_ZONE", "Mars/Olympus", "the name of a time zone"),
        ("AVATAR_LOG_LEVEL", "LOUD", "one of DEBUG, INFO, WARNING, ERROR"),
        ("AVATAR_MAX_SESSIONS", "0", "a whole number from 1 to 1000"),
        ("AVATAR_DATA_DIR", "/dev/null", "a folder"),
        ("AVATAR_FAST_SPEECH", "f6", "one of auto, off, f5, or an address that begins with http://"),
        ("AVATAR_MEMORY_CEILING", "100", "a whole number from 10 to 99"),
    ],
)
def test_manage_py_says_what_is_wrong_and_nothing_else(name: str, value: str, may_be: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=BASE_DIR,
        env=os.environ | {name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert re.fullmatch(
        rf"AVATAR cannot start: {name} must be {re.escape(may_be)}.*, but is '{value}'\. .*\n", done.stderr
    )


def test_the_engine_host_says_it_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "inference.host"],
        cwd=BASE_DIR,
        env=os.environ | {"AVATAR_THREADS": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "AVATAR_THREADS must be a whole number from 0 to 1024, but is 'many'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_secret_is_not_shown(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("c2hvcnQ=", "not base64 at all"):
        monkeypatch.setenv("AVATAR_MASTER_KEY", value)
        with pytest.raises(ConfigurationError, match="AVATAR_MASTER_KEY must be 32 bytes in base64") as caught:
            env.key("AVATAR_MASTER_KEY", size=32)
        assert value not in str(caught.value)


def test_an_empty_variable_has_its_default(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATAR_PORT", "")
    monkeypatch.setenv("AVATAR_HTTPS", "")
    assert env.whole("AVATAR_PORT", 8000, least=1, most=65535) == 8000
    assert env.flag("AVATAR_HTTPS", False) is False


@pytest.mark.parametrize(("value", "meant"), [("on", True), ("YES", True), ("1", True), ("off", False), ("no", False)])
def test_flags_are_said_in_many_ways(
    env: Environment, monkeypatch: pytest.MonkeyPatch, value: str, meant: bool
) -> None:
    monkeypatch.setenv("AVATAR_HTTPS", value)
    assert env.flag("AVATAR_HTTPS", not meant) is meant


def test_relative_folders_count_from_the_project(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATAR_DATA_DIR", "elsewhere")
    assert env.path("AVATAR_DATA_DIR", BASE_DIR / "var") == BASE_DIR / "elsewhere"
    monkeypatch.setenv("AVATAR_DATA_DIR", "~/elsewhere")
    assert env.path("AVATAR_DATA_DIR", BASE_DIR / "var") == Path.home() / "elsewhere"


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text("AVATAR_TTS_VOICE=from-file\nAVATAR_TEST_ONLY=from-file\n")
    monkeypatch.setenv("AVATAR_TTS_VOICE", "from-environment")
    env = Environment(file)
    assert env.text("AVATAR_TTS_VOICE") == "from-environment"
    assert env.text("AVATAR_TEST_ONLY") == "from-file"
