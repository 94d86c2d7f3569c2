"""The facts of a conversation: one small, versioned payload type each.

``personal`` names the fields that hold a person's words; the log encrypts them under the turn's key. The order of a
spoken turn: `UserSpoke` (before ``committed`` is said), `UserTranscribed`, `ReplyStarted`, `ReplySpoken` per sentence
(before its first sound is sent), `ReplyGenerated`, `ReplyHeard`, `ReplyFinished`, `TurnMeasured`.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from conversations.log.facts import Fact as Fact  # noqa: PLC0414 - the base of all payloads
from conversations.upcasts import upcast

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


class ConversationHidden(Fact, frozen=True, kw_only=True):
    """A moderator took the conversation out of its owner's sight, or gave it back (``hidden`` is False)."""

    type = "conversation.hidden"
    personal = frozenset({"note"})
    hidden: bool
    reason: str
    note: str = ""


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


class FlagRaised(Fact, frozen=True, kw_only=True):
    """A rule or a person asks a moderator to look. ``turn_id`` is empty for the conversation as a whole."""

    type = "flag.raised"
    personal = frozenset({"note"})
    flag_id: str
    turn_id: str = ""
    reason: str
    rule: str = ""
    """Name of the rule that raised it; empty when a person did."""
    note: str = ""


class FlagDecided(Fact, frozen=True, kw_only=True):
    """A person decided about a flag."""

    type = "flag.decided"
    personal = frozenset({"note"})
    flag_id: str
    decision: Literal["dismissed", "upheld"]
    reason: str
    note: str = ""


class SessionMuted(Fact, frozen=True, kw_only=True):
    """A moderator silenced a live session, or let it speak again: nothing is heard of it and it says nothing."""

    type = "session.muted"
    session_id: str
    muted: bool
    reason: str


class SessionCut(Fact, frozen=True, kw_only=True):
    """A moderator ended a live session; `SessionClosed` follows from the session itself."""

    type = "session.cut"
    session_id: str
    reason: str


class RecordingHeard(Fact, frozen=True, kw_only=True):
    """Somebody who is not the owner listened to a recording, or read the words (``what`` is ``words``)."""

    type = "recording.heard"
    turn_id: str = ""
    audio_id: str = ""
    what: Literal["sound", "words"] = "sound"
    reason: str = ""


class SessionOpened(Fact, frozen=True, kw_only=True):
    type = "session.opened"
    session_id: str
    model: str = ""
    voice: str = ""
    language: str = ""


class SessionClosed(Fact, frozen=True, kw_only=True):
    type = "session.closed"
    session_id: str
    reason: str


class UserSpoke(Fact, frozen=True, kw_only=True):
    """An utterance was committed; its sound is on disk."""

    type = "user.spoke"
    version = 2
    item_id: str
    audio_id: str
    duration_ms: int
    previous_item_id: str | None = None
    began_at_ms: int | None = None
    """When the sound's first sample was spoken, Unix time; None where the client brought the sound along."""


class UserTranscribed(Fact, frozen=True, kw_only=True):
    type = "user.transcribed"
    personal = frozenset({"text"})
    item_id: str
    text: str
    language: str = ""
    confidence: float = 0.0
    model: str = ""


class UserTranscriptionFailed(Fact, frozen=True, kw_only=True):
    type = "user.transcription_failed"
    item_id: str
    code: str
    message: str


class UserWrote(Fact, frozen=True, kw_only=True):
    """A typed message."""

    type = "user.wrote"
    personal = frozenset({"text"})
    item_id: str
    text: str
    previous_item_id: str | None = None


class ItemCreated(Fact, frozen=True, kw_only=True):
    """An item that the client put into the conversation: a system message, an assistant's message, a tool's output."""

    type = "item.created"
    personal = frozenset({"content"})
    item_id: str
    kind: str
    role: str = ""
    content: str = ""
    """The item as JSON, as the client sent it."""
    previous_item_id: str | None = None


class ItemDeleted(Fact, frozen=True, kw_only=True):
    type = "item.deleted"
    item_id: str


class ReplyStarted(Fact, frozen=True, kw_only=True):
    type = "reply.started"
    response_id: str
    model: str = ""
    voice: str = ""


class ReplyGenerated(Fact, frozen=True, kw_only=True):
    """What the model wrote, whether or not anybody heard it."""

    type = "reply.generated"
    personal = frozenset({"text"})
    response_id: str
    item_id: str
    text: str
    finish_reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


class ToolCalled(Fact, frozen=True, kw_only=True):
    type = "tool.called"
    personal = frozenset({"arguments"})
    response_id: str
    item_id: str
    call_id: str
    name: str
    arguments: str


class ReplySpoken(Fact, frozen=True, kw_only=True):
    """A sentence about to be sent as sound (or, in a text answer, the text)."""

    type = "reply.spoken"
    personal = frozenset({"text"})
    response_id: str
    item_id: str
    index: int
    text: str


class Pause(msgspec.Struct, frozen=True):
    """The player had nothing to play for ``for_ms``, once it had played ``at_ms`` of the answer."""

    at_ms: int
    for_ms: int


class ReplyHeard(Fact, frozen=True, kw_only=True):
    """What reached the listener; never beyond what was sent. The sound holds what was sent and not heard, too."""

    type = "reply.heard"
    version = 2
    personal = frozenset({"text"})
    response_id: str
    item_id: str
    text: str
    audio_ms: int
    source: Literal["client", "playback_clock", "text"]
    audio_id: str = ""
    complete: bool = True
    began_at_ms: int | None = None
    """When the first sound reached the listener by the playback clock, Unix time; None for a text."""
    pauses: tuple[Pause, ...] = ()
    """Within what was heard."""
    sound_ms: int | None = None
    """How long the sound is that ``audio_id`` names: all that was sent."""


class ReplyVoiced(Fact, frozen=True, kw_only=True):
    """Who spoke a sentence of an answer, where it was a cloned voice or not the one that was asked for."""

    type = "reply.voiced"
    version = 2
    response_id: str
    item_id: str
    index: int
    engine: str
    model: str = ""
    voice: str = ""
    """The embedded voice, or the reference by its opaque id."""
    cloned: bool = False
    watermarked: bool = False
    fallback: str = ""
    """Why it was not the voice that was asked for; empty when it was."""
    quality: str = "fast"
    utterance_id: str = ""
    """Of a cloned sentence: the record of where its sound came from."""
    asked: str = ""
    """The voice that the answer was to be given in; empty in facts from before it was noted."""


class ReplyFinished(Fact, frozen=True, kw_only=True):
    type = "reply.finished"
    response_id: str
    status: Literal["completed", "cancelled", "failed", "incomplete"]
    reason: str = ""


class ReplyFailed(Fact, frozen=True, kw_only=True):
    """The model answered nothing, or an engine failed; ``spoken`` is the honest sentence said instead."""

    type = "reply.failed"
    response_id: str
    code: str
    message: str
    spoken: str = ""


class TurnMeasured(Fact, frozen=True, kw_only=True):
    """The waterfall: milliseconds from the true end of speech; None where a step did not happen."""

    type = "turn.measured"
    version = 2
    response_id: str
    endpoint_ms: float | None = None
    transcript_ms: float | None = None
    first_token_ms: float | None = None
    first_sentence_ms: float | None = None
    first_audio_ms: float | None = None
    model_ms: float | None = None
    """Time on the road to the first audio spent in models."""
    engine: str = ""
    """What spoke the first sentence; empty in older records."""
    cloned: bool = False
    """It was a person's voice."""
    quality: str = ""
    """``fast`` or ``fine``."""


class VoiceStopped(Fact, frozen=True, kw_only=True):
    """A borrowed voice was taken back while a session used it: nothing more was said with it."""

    type = "session.voice_stopped"
    session_id: str
    voice: str
    reason: str


class SelfVoiceAllowed(Fact, frozen=True, kw_only=True):
    """The speaker agreed that answers of this session are spoken in their own voice, made from what they say in it."""

    type = "self_voice.allowed"
    session_id: str


class SelfVoiceEnded(Fact, frozen=True, kw_only=True):
    """The agreement ended: taken back, or with the session. What was made of the voice is gone."""

    type = "self_voice.ended"
    session_id: str
    reason: str


class ServiceChanged(Fact, frozen=True, kw_only=True):
    """The machine gave a session less than everything for want of memory, or everything again (``level`` full)."""

    type = "service.changed"
    session_id: str
    level: str
    reason: str = ""


FACTS: dict[str, type[Fact]] = {fact.type: fact for fact in Fact.__subclasses__() if fact.__module__ == __name__}


NOT_FOR_THE_OWNER = frozenset({FlagRaised.type, FlagDecided.type, ConversationHidden.type})
"""What moderators think about a conversation is not told to the one whose conversation it is."""


class UnknownFact(Exception):
    """The log holds a fact that this program does not know, written by a newer one."""


def decode_fact(type_: str, version: int, payload: Mapping[str, Any], *, redacted: bool = False) -> Fact:
    """A stored payload as its type, whatever version it was stored in. Redacted personal fields are empty strings.

    Raises `UnknownFact`, or `msgspec.ValidationError` for a payload that does not fit its type.
    """
    fact = FACTS.get(type_)
    if fact is None or version > fact.version:
        raise UnknownFact(f"{type_} version {version} is unknown here: update the program.")
    payload = upcast(type_, version, payload, to=fact.version)
    if redacted:
        payload = dict.fromkeys(fact.personal, "") | dict(payload)
    return msgspec.convert(payload, fact)
