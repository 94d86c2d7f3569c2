"""How long to wait in silence before a turn counts as over.

Two witnesses: Smart Turn hears whether the voice has ended (probability 0..1), the speculative transcript shows whether
the words have. A question that sounds finished is answered at once; a statement may be the first of several ("And so,
my fellow Americans ... ask not"), so it gets a longer silence the longer it already is. While the transcript is
awaited nothing is lost by waiting: without it there is nothing to answer.
"""

import re
from typing import Literal

import msgspec

from conversations.realtime.listening.settings import TurnSettings

Ending = Literal["answerable", "statement", "unmarked", "open"]

FINISHED = 0.5
"""Smart Turn's own threshold."""
UNANSWERED_MS = 1_100
"""Waited for the transcript: it decides as soon as it is there, and before there is nothing to answer."""
UNMARKED_MS = 700
"""Least silence after words without a mark."""
SHORT_SPEECH_MS, LONG_SPEECH_MS = 900, 1_600
"""A statement as short as the first is answered as soon as a question, one as long as the second is not."""

_QUESTION = re.compile(r"([?？]['\"”’)）]*|[嗎吗呢][。]?)$")
_STATEMENT = re.compile(r"[.!。！]['\"”’)）]*$")
_OPEN = re.compile(r"(\.\.|[,，、;；:：…\-–—])['\"”’)）]*$")
_SENTENCES = re.compile(r"(?<=[.!?。！？])\s*")
_ASKS = re.compile(
    r"(please|tell|give|show|explain|describe|play|stop|wait|write|read|sing|say|translate|set|turn|open|close|call|find"
    r"|help|list|count|repeat|continue|go on|go ahead|let's|hello|hi|hey|thanks|thank you|yes|no|yeah|okay|ok|sure"
    r"|who|what|when|where|why|how|which|can|could|would|will|should|may|do|does|did|is|are"
    r"|i'd like|i would like|i want|i need)\b"
    r"|請|请|告訴|告诉|幫|帮|你好|謝謝|谢谢|好的|是的|不是|不用",
    re.IGNORECASE,
)
"""How questions, requests and short replies begin, where the mark does not tell."""
_LEADS_ON = re.compile(r"(and|but|so|or|because|if|when|while|although|though|since|unless|until)\b", re.IGNORECASE)
"""How a sentence begins that has more to come, whatever mark Whisper puts behind its first part."""


class Waits(msgspec.Struct, frozen=True):
    """Silence in milliseconds, from the last speech on."""

    quick: int
    """Voice and words have ended, and an answer is asked for."""
    statement: int
    """Voice and words have ended, but more may follow."""
    unsure: int
    """One of the witnesses says that it goes on."""
    longest: int
    """Both say so."""


SERVER = Waits(quick=320, statement=1_250, unsure=1_400, longest=2_000)
SEMANTIC = {
    # Their longest waits are those of OpenAI's semantic_vad.
    "high": Waits(quick=256, statement=700, unsure=1_200, longest=2_000),
    "medium": Waits(quick=320, statement=1_250, unsure=2_500, longest=4_000),
    "auto": Waits(quick=320, statement=1_250, unsure=2_500, longest=4_000),
    "low": Waits(quick=600, statement=1_500, unsure=5_000, longest=8_000),
}


def waits(settings: TurnSettings) -> Waits:
    """What these settings mean when no fixed silence is asked for."""
    return SEMANTIC[settings.eagerness] if settings.type == "semantic_vad" else SERVER


def silence_ms(waits: Waits, *, speech_ms: int, probability: float | None, text: str | None) -> int:
    """Silence after which the turn is over, by what is known now; None stands for a witness not heard yet.

    ``speech_ms``: from the first to the last speech of the utterance; ``text``: its transcript so far.
    """
    ended = None if probability is None else probability >= FINISHED
    if not text or not text.strip():
        if ended is None:
            return min(UNANSWERED_MS, waits.longest)
        return max(UNANSWERED_MS, waits.quick) if ended else waits.unsure
    kind = ending(text)
    if ended is False:
        return {"open": waits.longest, "answerable": waits.statement}.get(kind, waits.unsure)
    if kind == "answerable":
        return waits.quick
    if kind == "open":
        return waits.unsure
    least = waits.quick if kind == "statement" else max(waits.quick, UNMARKED_MS)
    part = (speech_ms - SHORT_SPEECH_MS) / (LONG_SPEECH_MS - SHORT_SPEECH_MS)
    return round(least + max(0, waits.statement - least) * min(1.0, max(0.0, part)))


def ending(text: str) -> Ending:
    """How the words end.

    ``answerable``: a question, a request or a short reply; ``open``: with a comma, dash or dots, as Whisper writes what
    breaks off, or a sentence that began with "and", "if" or the like; ``unmarked``: without any mark, as it writes much
    Chinese and some of the rest.
    """
    text = text.strip()
    if _QUESTION.search(text):
        return "answerable"
    if _OPEN.search(text):
        return "open"
    if not _STATEMENT.search(text):
        return "unmarked"
    last = next((sentence for sentence in reversed(_SENTENCES.split(text)) if sentence.strip()), "")
    if _LEADS_ON.match(last.strip()):
        return "open"
    return "answerable" if _ASKS.match(last.strip()) else "statement"
