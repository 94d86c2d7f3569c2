"""Killed at any moment, the log has every fact that was acknowledged, and its chains hold.

``AVATAR_KILL_ROUNDS=50 pytest tests/conversations/test_log_kill.py`` takes more rounds than the usual five.
"""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = int(os.environ.get("AVATAR_KILL_ROUNDS", "5"))
NAMES = ("a", "b")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "AVATAR_DATA_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}


def _run(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _append_until_killed(environment: dict[str, str], lines: int) -> list[str]:
    """Kills the process with SIGKILL after it has said ``lines`` lines and whatever it does meanwhile."""
    command = [sys.executable, "-m", "tests.conversations.log_appender", "append", *NAMES]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
        assert process.wait(30) == -signal.SIGKILL
    return [line.rstrip("\n") for line in said if line.endswith("\n")]


@pytest.mark.timeout(120 + 60 * ROUNDS)
def test_no_acknowledged_fact_is_lost_and_every_chain_verifies(environment: dict[str, str]) -> None:
    _run(environment, "manage.py", "migrate", "--verbosity", "0", "--skip-checks")
    chance = random.Random()
    acknowledged: list[str] = []

    for _ in range(ROUNDS):
        acknowledged += _append_until_killed(environment, chance.randint(1, 200))

        stored = _run(environment, "-m", "tests.conversations.log_appender", "read").splitlines()
        assert set(acknowledged) <= set(stored)
        assert len(stored) == len(set(stored)), "no fact is stored twice"
        # At most what each task had begun when it was killed may be stored without having been acknowledged.
        assert len(stored) - len(acknowledged) <= ROUNDS * len(NAMES) * 3

    _run(environment, "manage.py", "verify_chain", "--skip-checks")
    _run(environment, "manage.py", "rebuild_projections", "--check", "--skip-checks")
    assert len({line.split()[0] for line in acknowledged}) == len(NAMES), "the conversations went on after each kill"
