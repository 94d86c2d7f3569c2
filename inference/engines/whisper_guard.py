"""What Whisper says when nobody spoke, so that it is not taken for speech (docs/adr/0042)."""

import re

from inference.engines.whisper_decoder import Pass

_NO_SPEECH = 0.6
_LOW_LOGPROB = -1.0
_VERY_LOW_LOGPROB = -1.6
_UNSURE_SPEECH = 0.85
_UNSURE_NO_SPEECH = 0.35
_CREDITS = re.compile(
    r"^\W*(subtitles? (by|created|edited)|captions? by|amara\.org|transcri(bed|ption) by|"
    r"thanks? (you )?for watching|please subscribe|字幕|請不吝|请不吝|謝謝觀看|谢谢观看|由\s*amara)",
    re.IGNORECASE,
)
_FILLERS = frozenset(
    {"thank you", "thanks", "you", "bye", "bye bye", "so", "oh", "okay", "the end", "i'm sorry", "hmm", "謝謝", "谢谢"}
)


def invented(done: Pass, speech: float) -> bool:
    """Whether a pass is more likely the model's habit than somebody's words.

    ``speech``: the surest step of the voice activity model in the window. Subtitle credits are never said to an
    assistant; fillers are, so they are dropped only when speech is doubtful by another measure too.
    """
    if done.looped or done.logprob < _VERY_LOW_LOGPROB:
        return True
    if done.no_speech > _NO_SPEECH and done.logprob < _LOW_LOGPROB:
        return True
    if _CREDITS.match(done.text):
        return True
    filler = re.sub(r"[^\w' ]", "", done.text.lower()).strip() in _FILLERS
    return filler and (speech < _UNSURE_SPEECH or done.no_speech > _UNSURE_NO_SPEECH)
