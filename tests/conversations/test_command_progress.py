"""Commands that walk through the log show at a terminal how far they are, and elsewhere say only what came of it."""

import io
import re
from functools import partial

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from tqdm import tqdm

from conversations.log import verify
from conversations.management.commands import rebuild_projections, verify_chain
from conversations.models import Turn
from tests.conversations.talks import Talk
from tests.voices.making import draft

pytestmark = pytest.mark.django_db(transaction=True)
BAR = re.compile(r"(\d+)/(\d+) \[")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Where the bar is drawn, as often as it is told of something."""
    terminal = Terminal()
    for command in (verify_chain, rebuild_projections):
        monkeypatch.setattr(command, "tqdm", partial(tqdm, mininterval=0, miniters=1, file=terminal))
    return terminal


def drawn(terminal: Terminal, total: int) -> list[int]:
    """How far the bar was each time, of that total."""
    steps = [int(done) for done, of in BAR.findall(terminal.getvalue()) if int(of) == total]
    assert steps == sorted(steps), "it never goes back"
    return sorted(set(steps))


def test_verifying_counts_every_event(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(str(get_user_model().objects.create_user(username="owner").pk)).say("One.", "Two.", "Three.")
    monkeypatch.setattr(verify, "PAGE", 5)
    out = io.StringIO()
    call_command("verify_chain", talk.id, stdout=out)
    events = int(out.getvalue().split()[0])
    assert drawn(terminal, events) == [*range(0, events, 5), events]
    assert "\r" in terminal.getvalue()
    assert "event/s" in terminal.getvalue() or "event]" in terminal.getvalue()


@pytest.mark.parametrize("check", [False, True])
def test_rebuilding_counts_conversations_then_voices(terminal: Terminal, *, check: bool) -> None:
    owner = get_user_model().objects.create_user(username="owner")
    for _ in range(4):
        Talk(str(owner.pk)).say("One.")
    draft(owner)
    out = io.StringIO()
    call_command("rebuild_projections", *(["--check"] if check else []), stdout=out, stderr=io.StringIO())
    assert drawn(terminal, 4) == [0, 1, 2, 3, 4]
    voices = int(out.getvalue().splitlines()[1].split()[0])
    assert drawn(terminal, voices)[-1] == voices
    assert Turn.objects.count() == 4


def test_into_a_file_goes_the_result_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """A night job's mail holds no control characters."""
    Talk(str(get_user_model().objects.create_user(username="owner").pk)).say("One.")
    out = io.StringIO()
    for command in ("verify_chain", "rebuild_projections"):
        call_command(command, stdout=out)
    captured = capsys.readouterr()
    assert captured.err == captured.out == ""
    assert [line.split()[1] for line in out.getvalue().splitlines()] == ["events", "conversations:"]
