"""Whether a recording is synthetic, and whether it was made here: the watermark, and the fingerprints on record."""

import time
from collections.abc import Callable, Iterable

from common.engine import ask
from inference.audio import fingerprint
from inference.audio.decode import DecodeLimits, decode
from inference.errors import EngineUnavailable
from inference.types import WIRE_RATE, WatermarkFound
from voices.models import Utterance

LONGEST_S = 600.0
_RETRY_S = 2.0
_PAGE = 500


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
    """The utterances on record that are in PCM16 mono at WIRE_RATE: ids, and the part of the bits that agree.

    The best first; blocks for some ms an utterance on record.
    """
    wanted = fingerprint.compute(pcm)
    if not wanted:
        return []
    rows = Utterance.objects.exclude(fingerprint="").order_by("-opened_at").values_list("id", "fingerprint")
    return sorted(among(wanted, rows.iterator(chunk_size=_PAGE)), key=_worse)


def among(wanted: str, known: Iterable[tuple[str, str]]) -> list[tuple[str, float]]:
    """Of utterances with their fingerprints, those that are in the sound whose fingerprint is ``wanted``."""
    matches = ((known_id, fingerprint.match(wanted, printed)) for known_id, printed in known)
    return [(known_id, round(match.score, 3)) for known_id, match in matches if match.same]


def _worse(trace: tuple[str, float]) -> float:
    return -trace[1]
