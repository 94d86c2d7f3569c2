"""What was said in a re-run, then and now, for a caller that has asked who may read it.

A turn is the same turn on both sides by its id: the numbers differ once a turn was left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from common.texts import Text
from conversations import selectors
from conversations.models import Turn
from conversations.rerun.compare import Compared
from conversations.selectors import TurnView


@dataclass(frozen=True, slots=True)
class Words:
    """Some words, or why there are none (``absent``)."""

    text: str = ""
    absent: Text = ""


@dataclass(frozen=True, slots=True)
class WordsRow:
    """A turn. ``said_now`` is what a new transcription made of it, empty where it is the same."""

    figures: Compared
    said: Words
    said_now: str
    then: Words
    now: Words


def rows_of(source: UUID, result: UUID | None, turns: Sequence[Compared]) -> tuple[WordsRow, ...]:
    """These turns of the conversation that was run again, and of the one that came of it."""
    ids = [turn.turn_id for turn in turns]
    then = _views(source, ids)
    now = _views(result, ids) if result is not None else {}
    return tuple(_row(turn, then.get(turn.turn_id), now.get(turn.turn_id)) for turn in turns)


def _views(conversation_id: UUID, turn_ids: Sequence[str]) -> dict[str, TurnView]:
    turns = Turn.objects.filter(conversation_id=conversation_id, turn_id__in=turn_ids).order_by("number")
    return {view.turn.turn_id: view for view in selectors.read_turns(conversation_id, turns)}


def _row(figures: Compared, then: TurnView | None, now: TurnView | None) -> WordsRow:
    """What is gone from the one side is not shown from the other, which repeats it."""
    gone = _gone(then)
    if then is None or gone:
        return WordsRow(figures, Words(absent=gone), "", Words(absent=gone), Words(absent=gone))
    said = _words(then.user_text)
    answered = _words(then.heard_text or then.generated_text)
    if now is None:
        return WordsRow(figures, said, "", answered, Words(absent=_("not run again")))
    if gone := _gone(now):
        return WordsRow(figures, said, "", answered, Words(absent=gone))
    said_now = now.user_text if now.user_text != then.user_text else ""
    return WordsRow(figures, said, said_now, answered, _words(now.generated_text or now.heard_text))


def _gone(view: TurnView | None) -> Text:
    if view is None or view.erased:
        return _("erased")
    return _("redacted") if view.turn.redacted else ""


def _words(text: str) -> Words:
    return Words(text) if text else Words(absent=_("No words."))
