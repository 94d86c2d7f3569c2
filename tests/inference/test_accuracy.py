"""The instrument that compares our speech-to-text with stock faster-whisper."""

from pathlib import Path

import msgspec
import pytest

from inference import accuracy
from inference.accuracy_clips import manifest, pocketsphinx, prompts
from inference.accuracy_text import edits, units
from inference.audio.pcm import from_float
from inference.audio.wav import encode_wav
from inference.types import STT_RATE
from tests.inference.spoken import english, silence


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("Ten of clubs.", "10 of clubs", "en"),
        ("It’s 1,000 O.K., Mr. Smith!", "its 1000 o k mister smith".replace("its", "it's"), "en"),
        ("two nine three four zero", "29340", "en"),
        ("cold-hearted", "cold hearted", "en"),
        ("對，這就是我。", "对,这就是我", "zh-TW"),
    ],
)
def test_the_same_words_are_the_same(one: str, other: str, language: str) -> None:
    assert units(one, language) == units(other, language)


def test_other_words_are_not() -> None:
    assert units("dog", "en") != units("dogs", "en")
    assert units("he's", "en") != units("he is", "en")


@pytest.mark.parametrize(
    ("reference", "heard", "distance"),
    [
        ("a b c", "a b c", 0),
        ("a b c", "a x c", 1),
        ("a b c", "a c", 1),
        ("a b", "a b c d", 2),
        ("", "a", 1),
        ("a b", "", 2),
    ],
)
def test_edits_are_counted(reference: str, heard: str, distance: int) -> None:
    assert edits(reference.split(), heard.split()) == distance


@pytest.mark.models
def test_it_prints_both_rates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = "Could you tell me where the nearest train station is?"
    (tmp_path / "clip.wav").write_bytes(encode_wav(from_float(english(said)), rate=STT_RATE))
    clips = [{"path": "clip.wav", "text": said}, {"path": "clip.wav", "text": "Something else.", "language": "en"}]
    (tmp_path / "clips.json").write_bytes(msgspec.json.encode({"clips": clips}))
    assert accuracy.main(["--manifest", str(tmp_path / "clips.json"), "--verbose"]) == 0
    out = capsys.readouterr().out
    row = next(line for line in out.splitlines() if line.startswith("all words")).split()
    assert row[2] == "12"
    assert float(row[3]) > 0
    assert "Something else." in out
    assert "ours %" in out
    assert "stock %" in out


def test_a_manifest_of_any_format(tmp_path: Path) -> None:
    (tmp_path / "quiet.wav").write_bytes(encode_wav(from_float(silence(1.0)), rate=STT_RATE))
    clip = {"path": "quiet.wav", "text": "對", "language": "zh-TW"}
    (tmp_path / "clips.json").write_bytes(msgspec.json.encode({"clips": [clip]}))
    (loaded,) = manifest(tmp_path / "clips.json")
    assert loaded.source == "clips (characters)"
    assert len(loaded.audio) == STT_RATE


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="apt-get install pocketsphinx-testdata"):
        pocketsphinx(tmp_path / "absent")
    with pytest.raises(SystemExit, match="apt-get install asterisk-core-sounds-en"):
        prompts(tmp_path / "absent")


def test_no_source_is_a_mistake() -> None:
    with pytest.raises(SystemExit):
        accuracy.main([])
