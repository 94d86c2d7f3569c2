"""What an answer is to the session that it is given in, and how it looks to the client."""

from typing import Literal, Protocol

import msgspec

from conversations.realtime.heard import SpokenAnswer
from conversations.realtime.protocol import server_events as ev
from conversations.realtime.protocol.items import Item
from conversations.realtime.protocol.settings import Modality
from conversations.realtime.steps import Marks, Voiced
from conversations.realtime.waterfall import Turn
from inference.types import Usage

Reason = Literal["turn_detected", "client_cancelled", "content_filter"]
"""The last is the protocol's name for a moderator's hand."""


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How this answer is given: the session's settings with what `response.create` says otherwise."""

    modality: Modality
    model: str
    voice: str
    max_output_tokens: int | Literal["inf"]
    conversation_id: str | None
    """None: the answer stays outside the conversation."""
    metadata: dict[str, str] | None = None


class Given(Protocol):
    """An answer as the session knows it."""

    id: str
    turn: Turn
    manner: Manner
    marks: Marks

    @property
    def in_conversation(self) -> bool: ...


class Stage(Protocol):
    """What an answer tells the session."""

    def sounding(self, answer: SpokenAnswer, pcm: bytes, in_s: float) -> None:
        """That sound of the answer was sent, and is heard in ``in_s`` seconds."""

    def said(self, answer: SpokenAnswer) -> None:
        """Nothing more of the answer will be sent."""

    def sentence(self, response: Given, answer: SpokenAnswer, index: int, text: str) -> None:
        """A sentence's sound follows now."""

    def voiced(self, response: Given, answer: SpokenAnswer, voiced: Voiced) -> None:
        """Who speaks the sentence that follows."""

    def first_sound(self, response: Given) -> None:
        """The first sound of the answer has been handed to the socket."""

    def over(self, response: Given) -> None:
        """``response.done`` has been said."""


def resource(
    response_id: str,
    manner: Manner,
    status: ev.ResponseStatus,
    items: tuple[Item, ...],
    details: ev.StatusDetails | None,
    usage: Usage,
) -> ev.ResponseBody:
    """The response as ``response.created`` and ``response.done`` tell of it."""
    return ev.ResponseBody(
        id=response_id,
        status=status,
        conversation_id=manner.conversation_id,
        output_modalities=(manner.modality,),
        audio=ev.ResponseAudio(output=ev.ResponseAudioOutput(voice=manner.voice)),
        max_output_tokens=manner.max_output_tokens,
        output=items,
        metadata=manner.metadata,
        status_details=details,
        usage=None if status == "in_progress" else _usage(usage),
    )


def _usage(usage: Usage) -> ev.ResponseUsage:
    return ev.ResponseUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.input_tokens + usage.output_tokens,
        input_token_details=ev.InputTokenDetails(text_tokens=usage.input_tokens, cached_tokens=usage.cached_tokens),
        output_token_details=ev.OutputTokenDetails(text_tokens=usage.output_tokens),
    )
