"""`manage.py talk` and `manage.py bench` against the running server, and what they say when it cannot be."""

import io
import wave
from pathlib import Path

import msgspec
import pytest
from django.core.management import CommandError, call_command

from tests.browser.speech import speech_file
from tests.server import Stack, free_port

pytestmark = [pytest.mark.models, pytest.mark.server]
QUESTION = "Should I get a dog or a cat?"


@pytest.fixture
def question(tmp_path: Path) -> Path:
    return speech_file(tmp_path / "question.wav", QUESTION, before_s=0.3, after_s=0.3)


def test_a_file_is_spoken_and_the_answer_is_saved(stack: Stack, question: Path, tmp_path: Path) -> None:
    said, answer = io.StringIO(), tmp_path / "answer.wav"
    call_command("talk", str(question), out=answer, url=f"{stack.ws_url}/v1", language="en", stdout=said)
    heard = said.getvalue().lower()
    assert "dog" in heard
    assert "cat" in heard
    assert "avatar:" in heard
    with wave.open(str(answer)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (24_000, 1, 2)
        assert sound.getnframes() > 24_000 * 0.3


def test_a_measurement_prints_its_table_and_writes_its_figures(stack: Stack, question: Path, tmp_path: Path) -> None:
    manifest, figures = tmp_path / "manifest.json", tmp_path / "figures.json"
    manifest.write_bytes(msgspec.json.encode({"clips": [{"path": question.name, "text": QUESTION}]}))
    said = io.StringIO()
    call_command(
        "bench",
        url=f"{stack.ws_url}/v1",
        turns=1,
        warmup=0,
        manifest=manifest,
        server_pid=stack.pid("web"),
        json=figures,
        stdout=said,
    )
    summary = msgspec.json.decode(figures.read_bytes())["summary"]
    assert summary["turns"] == 1
    assert summary["errors"] == []
    assert summary["from_true_end_of_speech_ms"]["first_audio"]["p50"] > 0
    assert summary["server_waterfall_ms"]["own_ms"]["n"] == 1
    assert summary["memory_pss_mb"]["max"] > 50
    assert "first audio" in said.getvalue()


def test_no_server_is_said(question: Path) -> None:
    with pytest.raises(CommandError, match="Is the server running"):
        call_command("talk", str(question), url=f"ws://127.0.0.1:{free_port()}/v1")


def test_what_is_no_address_is_said(question: Path) -> None:
    with pytest.raises(CommandError, match="no address of a server, such as"):
        call_command("talk", str(question), url="my-server")


@pytest.mark.parametrize("command", [("talk", "question.wav", "--out"), ("bench", "--json")])
def test_a_file_that_cannot_be_written_is_refused_before_anybody_talks(command: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="there is no folder /no/such"):
        call_command(*command, "/no/such/file")


@pytest.mark.parametrize("arguments", [("--sessions", "0"), ("--turns", "none"), ("--warmup", "-1")])
def test_a_measurement_of_nothing_is_refused(arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match="is no whole number from"):
        call_command("bench", *arguments)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "manifest.json cannot be read"),
        (b"not json", "is no manifest"),
        (b'{"clips": []}', "names no clips"),
        (b'{"clips": [{"path": "away.wav"}]}', "away.wav cannot be read"),
        (b'{"clips": [{"path": "manifest.json"}]}', "not audio"),
    ],
)
def test_questions_that_cannot_be_asked_are_said(content: bytes | None, said: str, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    if content is not None:
        manifest.write_bytes(content)
    with pytest.raises(CommandError, match=said):
        call_command("bench", manifest=manifest)


@pytest.mark.parametrize("content", [b"", b"this is a letter", b"RIFF\xff\xff\xff\xffWAVE"])
def test_a_file_that_is_no_sound_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "letter.wav"
    file.write_bytes(content)
    with pytest.raises(CommandError, match=r"letter\.wav"):
        call_command("talk", str(file))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("talk", str(tmp_path / "nothing.wav"))


def test_more_than_a_minute_is_not_said_at_once(tmp_path: Path) -> None:
    long = speech_file(tmp_path / "long.wav", "Hello.", after_s=61)
    with pytest.raises(CommandError, match="at most 60 s"):
        call_command("talk", str(long))
