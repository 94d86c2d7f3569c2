"""What an answer is made of, step by step: the plan, what is told of it in order, and when things happened."""

import re

import msgspec

from conversations.realtime.borrowing import Borrowed
from inference.types import ChatRequest, Quality, SpeechMade, ToolCallDelta, Usage

_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+(?:['’]\w+)*"
)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to answer to, and how."""

    request: ChatRequest
    spoken: bool
    language: str
    voice: str
    """One of the host's: it speaks, or stands in for the borrowed one."""
    borrowed: Borrowed | None = None
    """The voice of a person, who may take it back at any moment."""
    quality: Quality = "fast"
    speed: float = 1.0
    voiceless: "Fault | None" = None
    """Why nothing can be spoken now: the words are told, and are not spoken."""
    enough: int | None = None
    """A spoken answer ends with the sentence that reaches this many `units` ..."""
    most: int | None = None
    """... and before one that would pass this many. None lets the model say all it has."""
    script: str = ""
    """Said instead of asking the chat model."""
    fault: "Fault | None" = None
    """Known to fail before the model is asked: its honest sentence is all that is said."""


class Text(msgspec.Struct, frozen=True):
    """Text as the model writes it (text answers)."""

    text: str


class Sentence(msgspec.Struct, frozen=True):
    """A sentence whose sound follows (spoken answers)."""

    index: int
    text: str


class Again(msgspec.Struct, frozen=True):
    """The sentence's sound broke off, and follows once more from its beginning: it was told of already."""

    index: int
    text: str


class Voiced(msgspec.Struct, frozen=True):
    """Who speaks the sentence. ``utterance_id`` names the record of where a cloned sound came from."""

    index: int
    made: SpeechMade
    utterance_id: str = ""


class Sound(msgspec.Struct, frozen=True):
    pcm: bytes


class ToolPiece(msgspec.Struct, frozen=True):
    delta: ToolCallDelta


class Fault(msgspec.Struct, frozen=True):
    """Something failed; the answer goes on with what can be said. ``spoken`` is the honest sentence that follows."""

    code: str
    message: str
    spoken: str = ""
    fatal: bool = True


class Finished(msgspec.Struct, frozen=True):
    reason: str
    usage: Usage | None = None


Step = Text | Sentence | Again | Voiced | Sound | ToolPiece | Fault | Finished
Piece = Text | Sentence | Again | ToolPiece | Fault | Finished
"""What is still to be told, sentences before they have a sound."""


def units(text: str) -> int:
    """Length as it sounds: a Chinese character takes about as long as four Latin letters."""
    return sum(4 if "\u3040" <= character <= "\u9fff" else 1 for character in text)


def words(text: str) -> int:
    """How many there are; of Chinese and Japanese, the characters."""
    return len(_WORD.findall(text))


class Marks(msgspec.Struct):
    """When things happened, on the monotonic clock, 0 where they did not; and who spoke the first sentence."""

    started: float = 0.0
    first_token: float = 0.0
    first_sentence: float = 0.0
    speech_asked: float = 0.0
    first_sound: float = 0.0
    made: SpeechMade | None = None
