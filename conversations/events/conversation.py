"""What befalls a conversation as a whole, and what of it goes for good."""

from typing import Literal

from conversations.log.facts import Fact

Keep = Literal["sound", "text", "nothing"]
"""What is kept of a conversation: sound and words, words alone, or neither (a private conversation)."""


class ConversationStarted(Fact, frozen=True, kw_only=True):
    type = "conversation.started"
    owner: str
    language: str = ""
    voice: str = ""
    keep: Keep = "sound"
    forked_from: str = ""
    """The conversation that this one goes on from; its facts up to ``forked_at`` are copied after this one."""
    forked_at: str = ""
    """The last turn that was taken over."""


class KeepChanged(Fact, frozen=True, kw_only=True):
    """The person chose what is kept from here on."""

    type = "conversation.keep_changed"
    keep: Keep


class ConversationErased(Fact, frozen=True, kw_only=True):
    """The tombstone: the stream's keys and sounds are gone. Nothing personal can follow."""

    type = "conversation.erased"
    reason: str


class TurnRedacted(Fact, frozen=True, kw_only=True):
    """Words and sound of one turn are gone for good. ``what``: both, or the sound alone."""

    type = "turn.redacted"
    turn_id: str
    reason: str
    what: Literal["all", "sound"] = "all"
