"""What the replay page shows of a conversation: the words by turn, and what its scripts need to know."""

from typing import Any
from uuid import UUID

import msgspec
from django.urls import reverse

from conversations.models import Conversation, Turn
from conversations.selectors import ConversationView, TurnView

STEPS = ("endpoint_ms", "transcript_ms", "first_token_ms", "first_sentence_ms", "first_audio_ms")


class Addresses(msgspec.Struct, frozen=True):
    """Where the doors of one conversation are; ``names`` goes before the names of their routes."""

    names: str
    conversation_id: UUID
    back: str = ""
    """Name of the page that this one is reached from."""

    def of(self, name: str) -> str:
        return reverse(self.names + name, kwargs={"conversation_id": self.conversation_id})

    @property
    def back_url(self) -> str:
        return reverse(self.back, args=(self.conversation_id,)) if self.back else ""


class Line(msgspec.Struct, frozen=True):
    """What one of the two said. ``rest`` was generated and not heard; ``state`` says why there is no sound."""

    text: str
    rest: str = ""
    cut: bool = False


class PageTurn(msgspec.Struct, frozen=True):
    turn: Turn
    erased: bool
    user: Line | None
    reply: Line | None

    @property
    def steps(self) -> dict[str, float]:
        """Milliseconds from the true end of speech, of those steps that there were."""
        found = {step: getattr(self.turn, step) for step in STEPS}
        return {step: ms for step, ms in found.items() if ms is not None}


class Page(msgspec.Struct, frozen=True):
    """``sound``: whoever looks may listen, too; ``own``: it is they who talked."""

    conversation: Conversation
    turns: tuple[PageTurn, ...]
    addresses: Addresses
    sound: bool
    own: bool

    def data(self) -> dict[str, Any]:
        """For the scripts."""
        doors = ("timeline", "audio", "peaks") if self.sound else ("timeline",)
        return {
            "urls": {name: self.addresses.of(name) for name in doors},
            "waterfalls": {turn.turn.number: turn.steps for turn in self.turns if turn.steps},
        }


def page_of(view: ConversationView, addresses: Addresses, *, sound: bool, own: bool) -> Page:
    return Page(view.conversation, tuple(map(_turn, view.turns)), addresses, sound, own)


def _turn(view: TurnView) -> PageTurn:
    turn = view.turn
    answered = bool(turn.reply_item_id or view.heard_text or view.generated_text)
    reply = None
    if answered:
        cut = turn.heard_complete is False
        reply = Line(view.heard_text, unheard(view) if cut else "", cut)
    return PageTurn(turn, view.erased or turn.redacted, Line(view.user_text) if turn.user_item_id else None, reply)


def unheard(view: TurnView) -> str:
    """What was generated beyond what was heard, as far as it can be told: spoken text may be written otherwise."""
    heard = view.heard_text.rstrip()
    for whole in (view.generated_text, view.spoken_text):
        if whole.startswith(heard):
            return whole[len(heard) :].strip()
    return ""
