"""The facts of a conversation as a watcher's page shows them, one line each."""

from collections.abc import Iterator

import msgspec

from conversations.events import (
    ConversationErased,
    Fact,
    FlagRaised,
    KeepChanged,
    ReplyFailed,
    ReplyHeard,
    ReplySpoken,
    SessionClosed,
    SessionCut,
    SessionMuted,
    SessionOpened,
    TurnRedacted,
    UserTranscribed,
    UserTranscriptionFailed,
    UserWrote,
)
from conversations.log.facts import fact_of
from conversations.log.types import RecordedEvent


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """``kind`` says what it is; ``text`` holds words of the two who talk, ``code`` a reason or an error's name.

    ``sealed``: there are no words, because none are kept or they were erased.
    """

    kind: str
    sequence: int
    at: str
    turn: str = ""
    item: str = ""
    text: str = ""
    code: str = ""
    sealed: bool = False


def lines(event: RecordedEvent) -> Iterator[Line]:
    """What one event adds to the page; most add nothing."""
    fact = fact_of(event)
    kind = _kind(fact)
    if kind:
        text = str(getattr(fact, "text", ""))
        yield Line(
            kind=kind,
            sequence=event.sequence,
            at=event.recorded_at.isoformat(timespec="seconds"),
            turn=event.metadata.correlation or str(getattr(fact, "turn_id", "")),
            item=str(getattr(fact, "item_id", "")),
            text=text,
            code=_code(fact),
            sealed=event.redacted or (kind in {"user", "assistant"} and not text),
        )


def _kind(fact: Fact) -> str:  # noqa: PLR0911 - one line a fact
    match fact:
        case UserTranscribed() | UserWrote():
            return "user"
        case ReplySpoken():
            return "assistant"
        case ReplyHeard(complete=False):
            return "cut"
        case UserTranscriptionFailed() | ReplyFailed():
            return "failed"
        case SessionMuted(muted=muted):
            return "muted" if muted else "unmuted"
        case FlagRaised():
            return "flag"
        case SessionOpened() | SessionClosed() | SessionCut() | TurnRedacted() | ConversationErased() | KeepChanged():
            return fact.type
        case _:
            return ""


def _code(fact: Fact) -> str:
    match fact:
        case UserTranscriptionFailed(code=code) | ReplyFailed(code=code):
            return code
        case KeepChanged(keep=keep):
            return keep
        case FlagRaised(reason=reason, rule=rule):
            return rule or reason
        case _:
            return str(getattr(fact, "reason", ""))
