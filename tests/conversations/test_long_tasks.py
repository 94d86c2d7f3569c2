"""Long work runs one at a time, and what must not wait finds a worker: erasing a voice does not wait for a preview."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from common import long_tasks
from conversations.proof import verifying
from conversations.rerun import jobs
from voices import preview_job

pytestmark = pytest.mark.django_db(transaction=True)


@long_tasks.one_at_a_time
def note(what: str) -> str:
    return f"done: {what}"


HOLD = """
import fcntl, sys
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_long_task() -> Iterator["subprocess.Popen[str]"]:
    """A process that has its turn for as long as the block lasts."""
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", HOLD, str(settings.DATA_DIR / long_tasks._FILE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.stdin.close()


def queued() -> list[tuple[str, tuple[Any, ...]]]:
    tasks = [SignedPackage.loads(row.payload) for row in OrmQ.objects.order_by("id")]
    return [(task["func"], task["args"]) for task in tasks]


def test_whose_turn_it_is_runs_and_leaves_nothing_behind() -> None:
    assert note("a") == "done: a"
    assert note("b") == "done: b"
    assert queued() == []


@pytest.mark.parametrize("task", [preview_job.make, jobs.work, verifying.verify_all])
def test_while_another_runs_a_long_task_goes_to_the_end_of_the_line(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_tasks, "_AGAIN_S", 0.05)
    with another_long_task():
        assert task("some id") == long_tasks.WAITS
    assert queued() == [(f"{task.__module__}.{task.__qualname__}", ("some id",))]


def test_the_turn_of_a_task_that_was_killed_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_tasks, "_AGAIN_S", 0.05)
    with another_long_task() as process:
        assert note("a") == long_tasks.WAITS
        process.kill()
        process.wait()
        assert note("a") == "done: a"
