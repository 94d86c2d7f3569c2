"""Whether a recording is cloned speech and whether it was spoken here: the command, the real detector, the record."""

import io
import json
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from inference.audio import fingerprint
from inference.errors import AudioRefused, EngineUnavailable
from inference.types import WIRE_RATE
from tests.engine_host import ROOT, RunningHost
from tests.engines import python_of
from tests.inference.sound_files import opus_again
from tests.voices import speaking
from voices import detection
from voices.models import Utterance
from voices.services import provenance

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.models]

SAID = "I would like to book a table for two people tonight, please."
OTHER = "The quick brown fox jumps over the lazy dog near the river."
MARK = """
import sys
from inference.workers.watermark.perth import Perth
perth = Perth()
perth.load(lambda *_: None)
sys.stdout.flush()
open(sys.argv[2], "wb").write(perth.marked(open(sys.argv[1], "rb").read()))
"""


@pytest.fixture
def spoken_here(engines: RunningHost) -> tuple[str, bytes]:
    """An utterance on record, by its id, and its sound (which carries no mark)."""
    pcm = speaking.said(SAID, "hibari-us")
    return put_on_record(pcm), pcm


def put_on_record(pcm: bytes) -> str:
    utterance = uuid4().hex
    opening = provenance.Opening(utterance, uuid4().hex, owner_id="o", speaker_id="s", engine="f5")
    provenance.opened(opening)
    print_ = fingerprint.compute(pcm)
    provenance.closed(opening, duration_ms=3000, watermarked=True, fingerprint=print_)
    return utterance


def run(file: Path, *options: str) -> str:
    out = io.StringIO()
    call_command("detect_watermark", str(file), *options, stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.mark.engines
def test_a_marked_recording_is_known_by_mark_and_fingerprint(spoken_here: tuple[str, bytes], tmp_path: Path) -> None:
    utterance, pcm = spoken_here
    plain, marked = tmp_path / "plain.pcm", tmp_path / "marked.pcm"
    plain.write_bytes(pcm)
    python = python_of("watermark")
    subprocess.run([python, "-c", MARK, plain, marked], check=True, env={"PYTHONPATH": str(ROOT)})
    file = tmp_path / "recording.wav"
    file.write_bytes(speaking.wav(opus_again(marked.read_bytes(), 16_000)))
    told = run(file)
    assert "watermark: present" in told
    assert f"utterance {utterance}" in told
    answer = json.loads(run(file, "--json"))
    assert answer["watermark"]["present"]
    assert answer["failure"] is None
    (trace,) = answer["utterances"]
    assert (trace["id"], trace["engine"]) == (utterance, "f5")
    assert 0.5 < trace["agreement"] <= 1

    file.write_bytes(speaking.wav(speaking.said(OTHER, "hibari-us")))
    told = run(file)
    assert "watermark: none found" in told
    assert "of nothing that was said here" in told


def test_without_the_detector_the_fingerprint_is_told_all_the_same(
    spoken_here: tuple[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise EngineUnavailable("No engine host answers.")

    monkeypatch.setattr("voices.detection.ask", away)
    utterance, pcm = spoken_here
    other = put_on_record(speaking.said(OTHER, "hibari-us"))
    file = tmp_path / "recording.wav"
    file.write_bytes(speaking.wav(speaking.said(OTHER, "hibari-gb") + pcm))
    out = io.StringIO()
    with pytest.raises(CommandError, match="No engine host answers"):
        call_command("detect_watermark", str(file), "--wait", "0", stdout=out, stderr=io.StringIO())
    assert f"utterance {utterance}" in out.getvalue()
    out = io.StringIO()
    with pytest.raises(CommandError, match="No engine host answers"):
        call_command("detect_watermark", str(file), "--json", "--wait", "0", stdout=out, stderr=io.StringIO())
    answer = json.loads(out.getvalue())
    assert (answer["watermark"], answer["failure"]) == (None, "No engine host answers.")
    (trace,) = answer["utterances"]
    row = Utterance.objects.get(id=utterance)
    assert (trace["id"], trace["voice"], trace["engine"]) == (utterance, row.voice, "f5")
    assert datetime.fromisoformat(trace["said_at"]) == row.opened_at
    assert [found for found, _ in detection.ours(pcm)] == [utterance]
    assert other not in dict(detection.ours(pcm))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: b"no sound", "not audio"),
        (lambda: b"", "empty"),
        (lambda: speaking.wav(bytes(int(detection.LONGEST_S + 1) * WIRE_RATE * 2)), "larger than|more than 600"),
    ],
    ids=["no sound", "empty", "too long"],
)
def test_what_is_no_recording_is_refused(make: Callable[[], bytes], says: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(make())
    with pytest.raises(CommandError, match=says):
        run(file)
    with pytest.raises(AudioRefused, match=says):
        detection.heard(file.read_bytes())


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"absent\.wav cannot be read"):
        run(tmp_path / "absent.wav")
