"""The recorded questions that a measurement asks."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from inference.audio.decode import decode
from inference.audio.wav import encode_wav
from inference.client import EngineClient
from inference.types import WIRE_RATE

TAIL_MS = 20
FLOOR_DB = 35.0
ONSET_DB = 25.0
"""Speech begins further up: in an old recording the room itself is within 35 dB of the voice."""
FRAME = WIRE_RATE // 100

QUESTIONS = (
    "Is it safe to swim in the river?",
    "Should I get a dog or a cat?",
    "What is the capital of France, and how many people live there?",
    "Can you tell me a short story about a lighthouse keeper?",
)


class Clip(msgspec.Struct, frozen=True):
    """``pcm``: PCM16 mono at `WIRE_RATE`; speech is heard from ``start_s`` to ``end_s`` of it."""

    name: str
    pcm: bytes
    end_s: float
    text: str | None
    start_s: float = 0.0


class ManifestClip(msgspec.Struct):
    path: str
    text: str | None = None


class Manifest(msgspec.Struct):
    clips: list[ManifestClip]


LEAD_FRAMES = 10


def audible(pcm: bytes) -> tuple[bytes, float, float]:
    """Cuts silence away but for 100 ms before and `TAIL_MS` after; returns the rest and (start, end) of speech in it.

    The true end of speech is the end of the last 10 ms within `FLOOR_DB` of the loudest 10 ms, its start the beginning
    of the first within `ONSET_DB`.
    """
    samples = np.frombuffer(pcm, np.int16)
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    level_db = 20 * np.log10(np.sqrt((frames**2).mean(axis=1)) + 1e-9)
    loud = np.flatnonzero(level_db > level_db.max() - FLOOR_DB)
    start, end = max(0, int(loud[0]) - LEAD_FRAMES) * FRAME, (int(loud[-1]) + 1) * FRAME
    kept = samples[start : end + WIRE_RATE * TAIL_MS // 1000].tobytes()
    onset = int(np.flatnonzero(level_db > level_db.max() - ONSET_DB)[0]) * FRAME
    return kept, (onset - start) / WIRE_RATE, (end - start) / WIRE_RATE


def from_manifest(path: Path) -> list[Clip]:
    """Reads ``{"clips": [{"path": ..., "text": ...}]}``; paths are relative to the manifest's folder."""
    manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    return [from_file(path.parent / clip.path, clip.text) for clip in manifest.clips]


def from_file(path: Path, text: str | None = None) -> Clip:
    pcm, start_s, end_s = audible(decode(path.read_bytes(), rate=WIRE_RATE).pcm)
    return Clip(name=path.name, pcm=pcm, end_s=end_s, text=text, start_s=start_s)


async def spoken(engines: EngineClient, questions: Sequence[str] = QUESTIONS) -> list[Clip]:
    """The same questions on every machine, spoken by the embedded voice."""
    clips = []
    for question in questions:
        pcm = b"".join([piece async for piece in engines.speak(question, voice="", language="en")])
        cut, start_s, end_s = audible(pcm)
        clips.append(Clip(name=question, pcm=cut, end_s=end_s, text=question, start_s=start_s))
    return clips


def write_manifest(folder: Path, clips: Sequence[Clip]) -> Path:
    """Saves clips beside a manifest, so that another instrument can ask the very same questions."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, clip in enumerate(clips):
        (folder / f"{number}.wav").write_bytes(encode_wav(clip.pcm, rate=WIRE_RATE))
        rows.append({"path": f"{number}.wav", "text": clip.text})
    path = folder / "manifest.json"
    path.write_text(json.dumps({"clips": rows}, ensure_ascii=False, indent=1), encoding="utf-8")
    return path
