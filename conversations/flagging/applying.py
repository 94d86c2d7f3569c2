"""Runs the enabled rules over what was said, in the background; each flags a turn once, however often it runs."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
import structlog

from conversations import following
from conversations.errors import ConversationNotFound, Refused
from conversations.events import ReplyGenerated, UserTranscribed, UserWrote, decode_fact
from conversations.flagging.matching import InvalidRule, Matcher, matcher
from conversations.log.errors import KeyDestroyed
from conversations.log.models import Event
from conversations.log.types import RecordedEvent
from conversations.models import FlagRule
from conversations.services import moderation
from conversations.streams import CATEGORY, conversation_of

log = structlog.get_logger(__name__)
FOLLOWER = "flag rules"
_TYPES = (UserTranscribed.type, UserWrote.type, ReplyGenerated.type)


class Applied(msgspec.Struct):
    """``looked``: texts that were looked at. ``matched``: how often a rule found what it seeks, new or not."""

    looked: int = 0
    matched: int = 0


def apply_new(*, for_s: float = 60.0) -> Applied:
    """What came since the last run. Raises `conversations.log.errors.LogError`; the next run goes on where it was."""
    done, matchers = Applied(), _matchers()
    try:
        following.follow(FOLLOWER, lambda events: _apply(events, matchers, done), types=_TYPES, for_s=for_s)
    except following.Overtaken:
        log.info("rules_run_elsewhere")
    return done


def apply_since(since: datetime) -> Applied:
    """Everything said since then, with the rules as they are now; the follower's place is left alone."""
    done, matchers = Applied(), _matchers()
    first = Event.objects.filter(recorded_at__gte=since).order_by("position").values_list("position", flat=True).first()
    if first is not None:
        for window in following.windows(first - 1, types=_TYPES):
            _apply(window.events, matchers, done)
    return done


def _matchers() -> list[Matcher]:
    found: list[Matcher] = []
    for rule in FlagRule.objects.filter(enabled=True):
        try:
            found.append(
                matcher(
                    name=rule.name,
                    reason=rule.reason,
                    language=rule.language,
                    kind=rule.kind,
                    expression=rule.expression,
                )
            )
        except InvalidRule as error:
            log.warning("rule_not_usable", rule=rule.name, reason=str(error))
    return found


def _apply(events: Iterable[RecordedEvent], matchers: Sequence[Matcher], done: Applied) -> None:
    for event in events:
        text, language = _said(event)
        if not text:
            continue  # Erased, or a private conversation: there is nothing to look at.
        done.looked += 1
        for rule in matchers:
            if rule.finds(text, language):
                done.matched += 1
                _flag(event, rule)


def _said(event: RecordedEvent) -> tuple[str, str]:
    """Words and their language as far as it is known."""
    if event.redacted or not event.stream.startswith(f"{CATEGORY}-"):
        return "", ""
    fact = decode_fact(event.type, event.version, event.payload)
    match fact:
        case UserTranscribed(text=text, language=language):
            return text, language
        case UserWrote(text=text) | ReplyGenerated(text=text):
            return text, ""
        case _:
            return "", ""


def _flag(event: RecordedEvent, rule: Matcher) -> None:
    try:
        moderation.flag(
            conversation_of(event.stream),
            actor=None,
            reason=rule.reason,
            turn_id=event.metadata.correlation,
            rule=rule.name,
        )
    except (Refused, ConversationNotFound, KeyDestroyed) as error:
        # It was erased since it was read.
        log.info("rule_came_too_late", rule=rule.name, reason=type(error).__name__)
