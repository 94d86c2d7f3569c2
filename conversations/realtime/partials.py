"""Words to show while somebody still speaks: only those that two hypotheses in a row agree on.

Local agreement, as in Liu et al. 2020 (*Low-latency sequence-to-sequence speech recognition*): what the protocol's
deltas have shown is never taken back.
"""

import itertools
import re

_PLAIN = re.compile(r"[^\w]+")
_WORDS = re.compile(r"\s*[\u3400-\u4dbf\u4e00-\u9fff]|\s*[^\s\u3400-\u4dbf\u4e00-\u9fff]+")


class Partials:
    """The partial transcript of one utterance."""

    def __init__(self) -> None:
        self.shown = ""
        self._last: list[str] = []
        self._count = 0

    def agreed(self, hypothesis: str) -> str:
        """Takes a transcript of the utterance so far; returns what may be shown now beyond what is shown."""
        words = _WORDS.findall(hypothesis)
        same = itertools.takewhile(
            lambda pair: _plain(pair[0]) == _plain(pair[1]), zip(words, self._last, strict=False)
        )
        # The last word may still be growing.
        agreed = min(sum(1 for _ in same), len(words) - 1)
        self._last = words
        if agreed <= self._count or any(
            _plain(word) != _plain(shown) for word, shown in zip(words, _WORDS.findall(self.shown), strict=False)
        ):
            return ""
        delta = "".join(words[self._count : agreed])
        self._count = agreed
        self.shown += delta
        return delta

    def rest(self, transcript: str) -> str:
        """What the last delta adds so that all deltas make the transcript; empty when they cannot."""
        return transcript[len(self.shown) :] if transcript.startswith(self.shown) else ""


def _plain(word: str) -> str:
    return _PLAIN.sub("", word).lower()
