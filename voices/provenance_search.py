"""Whether a recording is of something that was said here in a cloned voice."""

import msgspec

from inference.audio import fingerprint
from voices.models import Utterance

_PAGE = 500


class Found(msgspec.Struct, frozen=True):
    """The utterance that fits best; ``score``: the part of the bits that agree (`fingerprint.SAME_SOUND` and above)."""

    utterance_id: str
    score: float
    overlap_s: float


def find(wanted: str) -> Found | None:
    """Compares a fingerprint with those of all utterances, a millisecond or so each; None when none is the same."""
    best: Found | None = None
    rows = Utterance.objects.exclude(fingerprint="").order_by("-opened_at").values_list("id", "fingerprint")
    for utterance_id, known in rows.iterator(chunk_size=_PAGE):
        match = fingerprint.match(wanted, known)
        if match.same and (best is None or match.score > best.score):
            best = Found(utterance_id, round(match.score, 3), round(match.overlap_s, 2))
    return best
