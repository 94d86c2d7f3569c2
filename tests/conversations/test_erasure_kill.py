"""Killed at any step of an erasure, the same call finishes it, and the sweeper what nobody calls for again."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STEPS = ("in-transaction", "before-files", "between-files")


class Installation:
    """A data directory of its own, used by processes that are killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "AVATAR_DATA_DIR": str(folder),
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": "",
        }

    def run(self, *arguments: str) -> int:
        """`tests.conversations.erasure_killed`; returns 0, or what killed it."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.conversations.erasure_killed", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode in {0, -signal.SIGKILL}, done.stderr
        return done.returncode

    def count(self, sql: str) -> int:
        with contextlib.closing(sqlite3.connect(self.folder / "avatar.sqlite3")) as database:
            return int(database.execute(sql).fetchone()[0])

    @property
    def keys(self) -> int:
        return self.count("SELECT count(*) FROM log_key WHERE wrapped IS NOT NULL AND stream LIKE 'conversation-%'")

    @property
    def tombstones(self) -> int:
        return self.count("SELECT count(*) FROM log_event WHERE type = 'conversation.erased'")

    @property
    def sounds(self) -> int:
        return sum(path.is_file() for path in (self.folder / "audio").rglob("*"))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    assert Installation(folder).run("prepare") == 0
    return folder


@pytest.fixture
def installation(prepared: Path, tmp_path: Path) -> Installation:
    made = Installation(shutil.copytree(prepared, tmp_path / "data"))
    assert (made.keys, made.sounds, made.tombstones) == (10, 8, 0)
    return made


@pytest.mark.parametrize("step", STEPS)
def test_the_same_call_finishes_it(installation: Installation, step: str) -> None:
    assert installation.run("kill", "conversation", step) == -signal.SIGKILL
    # All or nothing: the tombstone stands exactly when the keys are gone.
    erased = step != "in-transaction"
    assert (installation.tombstones, installation.keys) == ((1, 5) if erased else (0, 10))
    assert installation.run("again", "conversation") == 0
    assert (installation.tombstones, installation.keys, installation.sounds) == (1, 5, 4)


@pytest.mark.parametrize("step", [*STEPS, "between-conversations"])
def test_a_person_too(installation: Installation, step: str) -> None:
    assert installation.run("kill", "person", step) == -signal.SIGKILL
    assert installation.count("SELECT count(*) FROM avatar_project_user WHERE is_active") == 0, "closed at once"
    assert installation.run("again", "person") == 0
    assert (installation.tombstones, installation.keys, installation.sounds) == (2, 0, 0)
    assert installation.count("SELECT count(*) FROM log_event WHERE type = 'person.erased'") == 1
    assert installation.count("SELECT count(*) FROM avatar_project_user WHERE username = 'ada'") == 0


def test_the_task_cluster_finishes_a_person_whom_nobody_calls_for_again(installation: Installation) -> None:
    assert installation.run("kill", "person", "between-conversations") == -signal.SIGKILL
    assert installation.tombstones == 1
    assert installation.run("cluster") == 0
    assert (installation.tombstones, installation.keys, installation.sounds) == (2, 0, 0)
    assert installation.count("SELECT count(*) FROM log_event WHERE type = 'person.erased'") == 1


def test_the_sweeper_removes_what_a_kill_has_left(installation: Installation) -> None:
    assert installation.run("kill", "conversation", "before-files") == -signal.SIGKILL
    assert installation.sounds == 8
    for path in (installation.folder / "audio").rglob("*"):
        os.utime(path, (0, 0))
    assert installation.run("purge") == 0
    assert installation.sounds == 4
