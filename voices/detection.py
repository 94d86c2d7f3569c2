"""Whether a recording is synthetic, and whether it was made here: the watermark, and the fingerprints on record."""

import time
from collections.abc import Callable

import msgspec

from common.engine import ask
from inference.audio import fingerprint
from inference.audio.decode import DecodeLimits, decode
from inference.errors import EngineUnavailable
from inference.types import WIRE_RATE, WatermarkFound
from voices.models import Utterance

LONGEST_S = 600.0
_RETRY_S = 2.0
_PAGE = 500


class Found(msgspec.Struct, frozen=True):
    """What a recording tells."""

    present: bool
    """It carries the watermark of cloned speech."""
    confidence: float
    """0..1, where it is surest."""
    share: float
    """Part of its sound that carries the mark."""
    duration_s: float
    utterances: tuple[tuple[str, float], ...]
    """Ids of those of ours that are in it, each with the part of the fingerprint's bits that agree; the best first."""


def examine(data: bytes) -> Found:
    """A file of any format, ten minutes at most. Blocks: some 50 ms a second of sound, some ms an utterance on record.

    Raises `inference.errors.AudioRefused`, and `EngineUnavailable` while the detector is not there: it is loaded by
    being asked, and its environment made the first time, which the message tells.
    """
    pcm = heard(data)
    mark = marked(pcm)
    return Found(
        present=mark.present,
        confidence=round(mark.confidence, 3),
        share=round(mark.share, 3),
        duration_s=seconds(pcm),
        utterances=tuple(ours(pcm)),
    )


def heard(data: bytes) -> bytes:
    """PCM16 mono at WIRE_RATE; raises `AudioRefused`."""
    return decode(data, rate=WIRE_RATE, limits=DecodeLimits(max_seconds=LONGEST_S)).pcm


def seconds(pcm: bytes) -> float:
    return round(len(pcm) / 2 / WIRE_RATE, 2)


def marked(pcm: bytes, *, wait_s: float = 0.0, tell: Callable[[str], None] = lambda _: None) -> WatermarkFound:
    """Asks the detector, for ``wait_s`` again while it is being loaded; ``tell`` hears how far that is."""
    until = time.monotonic() + wait_s
    while True:
        try:
            return ask(lambda client: client.detect_watermark(pcm))
        except EngineUnavailable as error:
            if time.monotonic() >= until or error.permanent:
                raise
            tell(error.message)
        time.sleep(_RETRY_S)


def ours(pcm: bytes) -> list[tuple[str, float]]:
    """The utterances on record that are in PCM16 mono at WIRE_RATE, as `Found.utterances` has them."""
    wanted = fingerprint.compute(pcm)
    if not wanted:
        return []
    rows = Utterance.objects.exclude(fingerprint="").order_by("-opened_at").values_list("id", "fingerprint")
    matches = ((known_id, fingerprint.match(wanted, known)) for known_id, known in rows.iterator(chunk_size=_PAGE))
    return sorted(((known_id, round(match.score, 3)) for known_id, match in matches if match.same), key=_worse)


def _worse(trace: tuple[str, float]) -> float:
    return -trace[1]
