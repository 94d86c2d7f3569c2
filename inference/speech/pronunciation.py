"""English words to phonemes, in the alphabet that hibari and Kokoro share: one set of lexicons per process."""

import functools
import threading
from typing import Any

_lock = threading.Lock()


@functools.cache
def _built(*, british: bool) -> Any:
    from hibari.g2p import G2P  # noqa: PLC0415 - the lexicons take 0.3 s and 50 MB

    g2p = G2P(british=british)
    if british:
        # Only lexicon and rules differ.
        american = _built(british=False)
        g2p.tagger, g2p.tokenizer = american.tagger, american.tokenizer
    # The net for unknown words is read at its first use.
    g2p.oov("avatarish")
    return g2p


def english_g2p(*, british: bool = False) -> Any:
    """hibari's grapheme-to-phoneme instance, loaded once. Blocks while it loads."""
    with _lock:
        return _built(british=british)


def english_phonemes(text: str, *, british: bool = False) -> str:
    """Phonemes of English text in words (`inference.speech.normalise`); empty when nothing can be pronounced.

    hibari's own normaliser is left out: ours has been here before, and it reads "no." as "number".
    """
    return str(english_g2p(british=british)(text, normalize_text=False))
