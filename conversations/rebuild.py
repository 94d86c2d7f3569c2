"""Remaking the read models from the log, or telling where they differ from it; the living are not held up."""

from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from conversations.log import store
from conversations.log.keys import KeyRing
from conversations.log.models import Head
from conversations.log.prepared import Insert
from conversations.models import Conversation, Flag, Session, Turn
from conversations.projections import Rows, open_words, require_owner
from conversations.streams import CATEGORY, conversation_of, stream_of

R = TypeVar("R", Conversation, Turn, Session, Flag)
_insert_turns = Insert(Turn, skip=("id",))
_insert_sessions = Insert(Session)
_insert_flags = Insert(Flag)
_save_conversation = Insert(Conversation, key=("id",))


def streams() -> list[str]:
    """The streams of all conversations, and of rows that have no stream in the log."""
    known = set(Head.objects.filter(stream__startswith=f"{CATEGORY}-").values_list("stream", flat=True))
    shown = {stream_of(str(pk)) for pk in Conversation.objects.values_list("pk", flat=True)}
    return sorted(known | shown)


def differences(stream: str) -> list[str]:
    """Where a conversation's rows are not what the log says; words are compared, never told."""
    conversation_id = UUID(conversation_of(stream))
    while True:
        standing = Conversation.objects.filter(id=conversation_id).first()
        turns = list(Turn.objects.filter(conversation_id=conversation_id))
        beside = [*Session.objects.filter(conversation_id=conversation_id)]
        flags = [*Flag.objects.filter(conversation_id=conversation_id)]
        folded = _fold(stream)
        # An append in between has changed what stands: both sides are read anew.
        if Conversation.objects.filter(id=conversation_id, sequence__gt=_sequence(standing)).exists():
            continue
        found = _compare(standing, turns, folded)
        if standing is not None and folded.conversation is not None:
            found += _compare_rows("session", beside, folded.sessions.values())
            found += _compare_rows("flag", flags, folded.flags.values())
        return found


def rebuild(stream: str) -> list[str]:
    """Makes a conversation's rows what the log says; returns what was different."""
    found = differences(stream)
    if found:
        folded = _fold(stream)
        with transaction.atomic():
            # Nothing is appended while this transaction is open: what came since is folded here.
            _fold_more(folded)
            _replace(UUID(conversation_of(stream)), folded)
    return found


def _fold(stream: str) -> Rows:
    rows = Rows(KeyRing.load(stream))
    _fold_more(rows)
    return rows


def _fold_more(rows: Rows) -> None:
    for event in store.read_stream(rows.ring.stream, _sequence(rows.conversation)):
        rows.fold(event)


def _replace(conversation_id: UUID, folded: Rows) -> None:
    for model in (Turn, Session, Flag):
        model.objects.filter(conversation_id=conversation_id).delete()
    if folded.conversation is None:
        Conversation.objects.filter(id=conversation_id).delete()
        return
    require_owner(folded.conversation)
    folded.seal()
    _save_conversation([folded.conversation])
    _insert_turns(folded.turns.values())
    _insert_sessions(folded.sessions.values())
    _insert_flags(folded.flags.values())


def _compare(standing: Conversation | None, turns: list[Turn], folded: Rows) -> list[str]:
    conversation = folded.conversation
    if standing is None or conversation is None:
        if standing is conversation:
            return []
        return ["the conversation is missing"] if standing is None else ["the log has no such conversation"]
    found = [f"{name} differs" for name in _different(standing, conversation, ())]
    stand = {turn.turn_id: turn for turn in turns}
    for turn_id in {**stand, **folded.turns}:
        turn, remade = stand.get(turn_id), folded.turns.get(turn_id)
        if turn is None or remade is None:
            found.append(f"turn {turn_id} is {'missing' if turn is None else 'not in the log'}")
            continue
        found += [f"turn {turn.number}: {name} differs" for name in _different(turn, remade, ("id", "sealed_words"))]
        if open_words(turn, folded.ring) != folded.words.get(turn_id):
            found.append(f"turn {turn.number}: the words differ")
    return found


def _compare_rows(kind: str, standing: Iterable[R], folded: Iterable[R]) -> list[str]:
    stand, remade = ({str(row.pk): row for row in rows} for rows in (standing, folded))
    found = [f"{kind} {pk} is {'missing' if pk in remade else 'not in the log'}" for pk in stand.keys() ^ remade.keys()]
    both = ((pk, name) for pk in stand.keys() & remade.keys() for name in _different(stand[pk], remade[pk], ()))
    return sorted(found) + sorted(f"{kind} {pk}: {name} differs" for pk, name in both)


def _different(standing: R, remade: R, skip: tuple[str, ...]) -> list[str]:
    return [
        field.name
        for field in standing._meta.concrete_fields
        if field.name not in skip
        and field.to_python(getattr(standing, field.attname)) != field.to_python(getattr(remade, field.attname))
    ]


def _sequence(conversation: Conversation | None) -> int:
    return conversation.sequence if conversation is not None else 0
