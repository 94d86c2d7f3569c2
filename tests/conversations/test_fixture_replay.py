"""A turn of the record exported as a test: whole in itself, and replayed through the real engines."""

import asyncio
import importlib.util
import io
import json
import stat
from pathlib import Path

import msgspec
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from conversations import selectors
from conversations.events import RecordingHeard, ReplyFailed, UserWrote, decode_fact
from conversations.log import store
from conversations.models import Conversation
from conversations.rerun import fixture
from conversations.rerun.fixture_export import export
from conversations.rerun.report import Report
from conversations.services import forks
from conversations.streams import stream_of
from inference.audio.opus import decode_opus
from tests.conversations.recorded import MEASURED, Recorded
from tests.engine_host import RunningHost, engine_host  # noqa: F401  (a fixture)
from tests.fake_engines import FakeEngines

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "What is the capital of France?"


@pytest.fixture
def talked() -> Recorded:
    recorded = Recorded()
    recorded.spoken("turn_1", "Let us talk about Europe.", "Gladly. Where shall we begin?", heard="Gladly.")
    recorded.spoken("turn_2", QUESTION, "Paris.")
    recorded.append("turn_1", UserWrote(item_id="late", text="A late fact of the first turn."))
    recorded.typed("turn_3", "Never mind.", "As you like.")
    return recorded


def _export(*arguments: str, to: Path) -> str:
    out = io.StringIO()
    call_command("export_fixture", *arguments, "--to", str(to), stdout=out, stderr=out)
    return out.getvalue()


def test_the_folder_holds_all_that_the_turn_needs(talked: Recorded, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    assert "PERSONAL DATA" in _export("turn_2", to=folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "context.jsonl",
        "test_made.py",
        "turn.json",
        "user-1.ogg",
    ]
    made = fixture.load(folder)
    assert (made.number, made.turn_id, made.expected.transcript) == (2, "turn_2", QUESTION)
    assert (made.recorded.generated, made.recorded.status) == ("Paris.", "completed")
    assert made.recorded.waterfall is not None
    assert made.recorded.waterfall.first_audio_ms == MEASURED["first_audio_ms"]
    assert made.said[0].duration_ms == 500
    assert len(decode_opus((folder / "user-1.ogg").read_bytes())) == 24_000
    items = [(item.role, item.text) for item in fixture.context(folder)]
    assert items == [
        ("user", "Let us talk about Europe."),
        ("assistant", "Gladly."),
        ("user", "A late fact of the first turn."),
    ]
    assert "Personal data" in (folder / "README.md").read_text()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_that_it_was_taken_out_is_recorded(talked: Recorded, tmp_path: Path) -> None:
    _export(talked.id, "2", to=tmp_path / "made")
    last = store.read_stream(stream_of(talked.id))[-1]
    taken = decode_fact(last.type, last.version, last.payload)
    assert taken == RecordingHeard(turn_id="turn_2", what="sound", reason="export_fixture")


def test_what_is_not_there_or_is_there_already_is_refused(talked: Recorded, tmp_path: Path) -> None:
    _export("turn_2", to=tmp_path / "made")
    for arguments, told in (
        (("turn_2",), "there already"),
        (("turn_9",), "no turn turn_9"),
        ((talked.id, "9"), "the conversation has 3"),
    ):
        with pytest.raises(CommandError, match=told):
            _export(*arguments, to=tmp_path / "made")
    forks.copy(Conversation.objects.get(id=talked.id), owner_id=talked.owner_id)
    with pytest.raises(CommandError, match="taken over by a fork"):
        _export("turn_2", to=tmp_path / "other")


def test_a_failed_turn_says_how_it_failed(talked: Recorded, tmp_path: Path) -> None:
    failed = ReplyFailed(response_id="resp_turn_3", code="engine_unavailable", message="It was away.")
    talked.append("turn_3", failed)
    made = export(talked.id, "3", tmp_path / "made")
    assert made.recorded.error_code == "engine_unavailable"
    assert made.said[0].sound == ""


def test_faults_are_told_in_words(talked: Recorded, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    export(talked.id, "2", folder)
    made = fixture.load(folder)
    engines = FakeEngines(heard=("What is the capital of Sweden?",), replies=("Stockholm.",))
    replayed = asyncio.run(fixture.replay(folder, engines))
    assert [message["content"] for message in engines.requests[0].messages[1:]] == [
        "Let us talk about Europe.",
        "Gladly.",
        "A late fact of the first turn.",
        "What is the capital of Sweden?",
    ]
    assert fixture.faults(made.expected, replayed) == []
    strict = msgspec.structs.replace(made.expected, word_error_rate=0.1, reply_has=("paris",), first_audio_ms=0.0)
    found = fixture.faults(strict, replayed)
    assert len(found) == 3
    assert "1 of 6 words differ" in found[0]
    assert "has no paris" in found[1]


async def _spoken(host: RunningHost, text: str) -> bytes:
    async with host.client() as engines:
        return b"".join([piece async for piece in engines.speak(text, voice="", language="en")])


@pytest.mark.models
def test_an_exported_turn_replays_through_the_real_engines(
    engine_host: RunningHost,  # noqa: F811
    tmp_path: Path,
) -> None:
    recorded = Recorded()
    recorded.spoken("turn_1", "Let us talk about Europe.", "Gladly. Where shall we begin?")
    silence = bytes(9600)
    pcm = silence + asyncio.run(_spoken(engine_host, QUESTION)) + silence
    recorded.spoken("turn_2", QUESTION, "Paris.", pcm=pcm)
    folder = tmp_path / "capital"
    _export("turn_2", to=folder)

    spec = importlib.util.spec_from_file_location("exported", folder / "test_capital.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    asyncio.run(module.test_the_turn_goes_as_expected(engine_host))

    turn = json.loads((folder / "turn.json").read_text())
    turn["expected"]["transcript"] = "Something quite different was said in this place."
    (folder / "turn.json").write_text(json.dumps(turn))
    with pytest.raises(AssertionError, match="words differ"):
        asyncio.run(module.test_the_turn_goes_as_expected(engine_host))


@pytest.mark.models
def test_a_conversation_is_run_again_by_the_real_engines(
    engine_host: RunningHost,  # noqa: F811
    tmp_path: Path,
    settings: Settings,
) -> None:
    settings.INFERENCE = msgspec.structs.replace(settings.INFERENCE, engine_url=engine_host.url)
    recorded = Recorded()
    silence = bytes(9600)
    for number, text in enumerate(("How far is the moon?", QUESTION), start=1):
        pcm = silence + asyncio.run(_spoken(engine_host, text)) + silence
        recorded.spoken(f"turn_{number}", text, "I do not know.", pcm=pcm)
    report = tmp_path / "report.json"
    out = io.StringIO()

    call_command(
        "rerun", recorded.id, "--transcribe", "--max-wer", "0.3", "--json", str(report), stdout=out, stderr=out
    )

    made = msgspec.json.decode(report.read_bytes(), type=Report)
    assert (made.summary.turns, made.summary.failed, made.broken) == (2, 0, [])
    assert made.summary.first_audio.now_p50 is not None
    [outcome] = made.outcomes
    turns = selectors.view_of(Conversation.objects.get(id=outcome.fork_id)).turns
    assert [bool(view.heard_text and view.turn.reply_audio_id and view.turn.heard_ms) for view in turns] == [True, True]
    assert "moon" in out.getvalue()
