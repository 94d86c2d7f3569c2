"""`manage.py rerun`: one conversation or many, a report, and an exit status to build on."""

import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from django.core.management import CommandError, call_command

from conversations.models import Conversation
from conversations.rerun.engines import PatientEngines
from inference.errors import EngineRefused
from tests.conversations.recorded import Recorded
from tests.conversations.rerunning import talk
from tests.fake_engines import FakeEngines

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def talked() -> Recorded:
    return talk()


Command = Callable[..., tuple[int, str]]


@pytest.fixture
def engines() -> FakeEngines:
    return FakeEngines(heard=("Something else entirely.",))


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, engines: FakeEngines) -> Command:
    @asynccontextmanager
    async def fakes(llm: str = "", *, key_variable: str = "") -> AsyncIterator[PatientEngines]:
        yield PatientEngines(engines)

    monkeypatch.setattr("conversations.management.commands.rerun.opened", fakes)

    def run(*arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        try:
            call_command("rerun", *arguments, stdout=out, stderr=out)
        except CommandError as failure:
            return failure.returncode, out.getvalue() + str(failure)
        return 0, out.getvalue()

    return run


def test_the_command_shows_both_sides_and_their_times(talked: Recorded, command: Command) -> None:
    status, told = command(talked.id)
    assert status == 0
    for words in ("How far is the moon?", "It is far", "Hello to you. How are you today?", "first audio", "3 turns"):
        assert words in told
    assert str(Conversation.objects.get(forked_from=talked.id).id) in told


def test_many_conversations_make_a_suite_with_a_report_without_words(
    talked: Recorded, command: Command, tmp_path: Path
) -> None:
    other = Recorded()
    other.typed("t1", "A secret.", "Never tell.")
    report = tmp_path / "report.json"
    status, told = command("--all", "--quiet", "--transcribe", "--json", str(report))
    assert status == 0
    assert "2 conversations (0 not run), 4 turns" in told
    made = msgspec.json.decode(report.read_bytes())
    assert {one["conversation_id"] for one in made["outcomes"]} == {talked.id, other.id}
    assert made["summary"]["word_error_rate"] == 1.0
    assert made["summary"]["first_audio"]["now_p95"] > 0
    for words in (b"moon", b"secret", b"Hello"):
        assert words not in report.read_bytes()
    assert "moon" not in told
    status, told = command("--all", "--quiet")
    assert "2 conversations (0 not run)" in told, "what a re-run has made is not run again"


def test_a_threshold_that_does_not_hold_is_an_exit_status(talked: Recorded, command: Command) -> None:
    assert command(talked.id, "--quiet", "--max-first-audio-ms", "60000", "--max-failed", "0")[0] == 0
    status, told = command(talked.id, "--quiet", "--transcribe", "--max-wer", "0.2", "--min-similarity", "0.99")
    assert status == 1
    assert "word error rate: 1.125, at most 0.2 was asked for" in told or "word error rate: 1, at most 0.2" in told
    assert "similarity of the answers" in told
    assert command(talked.id, "--quiet", "--max-wer", "0.2")[0] == 1, "what was not measured does not hold"


def test_conversations_that_cannot_be_run_again_are_said(talked: Recorded, command: Command) -> None:
    status, told = command(talked.id, "0198a000-0000-7000-8000-0000000000ff", "--quiet")
    assert status == 0
    assert "There is no conversation 0198a000-0000-7000-8000-0000000000ff" in told
    assert command("0198a000-0000-7000-8000-0000000000ff")[0] == 1
    assert command()[0] == 1
    assert "Name conversations" in command()[1]
    assert "has an open flag" in command("--flagged")[1]


def test_engines_that_answer_no_turn_are_an_exit_status(
    talked: Recorded, command: Command, engines: FakeEngines
) -> None:
    engines.replies.appendleft(EngineRefused("There is no such model."))
    assert command(talked.id, "--quiet")[0] == 0, "two of three turns were answered"
    engines.replies.clear()
    engines.replies.append(EngineRefused("There is no such model."))
    status, told = command(talked.id, "--quiet")
    assert status == 1
    assert "Not one turn was answered" in told


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_run(talked: Recorded, command: Command) -> None:
    status, told = command(talked.id, "--json", "/no/such/folder/report.json")
    assert status == 1
    assert "there is no folder /no/such/folder" in told
    assert not Conversation.objects.filter(forked_from=talked.id).exists()
