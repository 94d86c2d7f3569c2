"""Remaking the read models from the log, or telling where they differ from it; the living are not held up."""

from collections.abc import Iterable, Iterator
from typing import TypeVar
from uuid import UUID

from conversations.log import store
from conversations.log.codec import decode
from conversations.log.crypto import BoxDamaged
from conversations.log.damage import DAMAGE, DAMAGED
from conversations.log.gentle import short_write
from conversations.log.keys import KeyRing
from conversations.log.models import Event, Head
from conversations.log.prepared import Delete, Insert, Select
from conversations.models import Conversation, Flag, Session, Turn
from conversations.projections.owners import require_owner
from conversations.projections.rows import Rows
from conversations.projections.turn_words import unseal_words
from conversations.streams import CATEGORY, conversation_of, stream_of

R = TypeVar("R", Conversation, Turn, Session, Flag)
_insert_turns = Insert(Turn, skip=("id",))
_insert_sessions = Insert(Session)
_insert_flags = Insert(Flag)
_save_conversation = Insert(Conversation, key=("id",))
# Compiled once: with a few events each, thousands of conversations spend more time in compiling than in the database.
_conversation = Select(Conversation, "id")
_turns = Select(Turn, "conversation")
_sessions = Select(Session, "conversation")
_flags = Select(Flag, "conversation")
_events = Select(Event, "stream")
_remove_turns = Delete(Turn, "conversation")
_remove_sessions = Delete(Session, "conversation")
_remove_flags = Delete(Flag, "conversation")
WRITTEN_AT_ONCE = 100
"""Rows of conversations and turns in one transaction."""


def streams() -> list[str]:
    """The streams of all conversations, and of rows that have no stream in the log."""
    known = set(Head.objects.filter(stream__startswith=f"{CATEGORY}-").values_list("stream", flat=True))
    shown = {stream_of(str(pk)) for pk in Conversation.objects.values_list("pk", flat=True)}
    return sorted(known | shown)


def differences(stream: str) -> list[str]:
    """Where a conversation's rows are not what the log says; words are compared, never told."""
    try:
        return _look(stream)[0]
    except DAMAGE:
        return [DAMAGED]


def rebuild(stream: str) -> list[str]:
    """Makes a conversation's rows what the log says; returns what was different."""
    [(_, found)] = list(rebuild_all([stream]))
    return found


def rebuild_all(wanted: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """`rebuild` of many, each told with what was different once it was looked at; all are written when it ends.

    Several conversations share a transaction, for each costs a write to the disk; so many that the living, who wait
    for it, do not notice.
    """
    waiting: list[Rows] = []
    for stream in wanted:
        try:
            found, folded = _look(stream)
        except DAMAGE:
            yield stream, [DAMAGED]
            continue
        if found:
            waiting.append(folded)
        if sum(1 + len(rows.turns) for rows in waiting) >= WRITTEN_AT_ONCE:
            _write(waiting)
            waiting = []
        yield stream, found
    _write(waiting)


def _write(waiting: Iterable[Rows]) -> None:
    waiting = list(waiting)
    if not waiting:
        return
    with short_write():
        # Nothing is appended while this transaction is open: what came since is folded here.
        owners: set[object] = set()
        for folded in waiting:
            _fold_more(folded)
            _replace(UUID(conversation_of(folded.ring.stream)), folded, owners)


def _look(stream: str) -> tuple[list[str], Rows]:
    """The differences, and the rows as they should be."""
    conversation_id = UUID(conversation_of(stream))
    while True:
        standing = _conversation.first(conversation_id)
        turns = _turns(conversation_id)
        sessions = _sessions(conversation_id)
        flags = _flags(conversation_id)
        folded = _fold(stream)
        # An append in between has changed what stands: both sides are read anew.
        if _sequence(_conversation.first(conversation_id)) > _sequence(standing):
            continue
        found = _compare(standing, turns, folded)
        if standing is not None and folded.conversation is not None:
            found += _compare_rows("session", sessions, folded.sessions.values())
            found += _compare_rows("flag", flags, folded.flags.values())
        return found, folded


def _fold(stream: str) -> Rows:
    rows = Rows(KeyRing.load(stream))
    for event in sorted(_events(stream), key=lambda event: event.sequence):
        rows.fold(decode(event, rows.ring))
    return rows


def _fold_more(rows: Rows) -> None:
    stream, known = rows.ring.stream, _sequence(rows.conversation)
    if store.last_sequence(stream) > known:
        rows.ring = KeyRing.load(stream)  # with the keys of turns that began meanwhile
        for event in store.read_stream(stream, known):
            rows.fold(event)


def _replace(conversation_id: UUID, folded: Rows, owners: set[object]) -> None:
    """``owners`` are known to be there."""
    for remove in (_remove_turns, _remove_sessions, _remove_flags):
        remove(conversation_id)
    conversation = folded.conversation
    if conversation is None:
        Conversation.objects.filter(id=conversation_id).delete()
        return
    if conversation.owner_id not in owners:
        require_owner(conversation)
        owners.add(conversation.owner_id)
    folded.seal()
    _save_conversation([conversation])
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
        if _words_differ(turn, folded):
            found.append(f"turn {turn.number}: the words differ")
    return found


def _words_differ(turn: Turn, folded: Rows) -> bool:
    try:
        return unseal_words(turn, folded.ring) != folded.words.get(turn.turn_id)
    except BoxDamaged:
        return True


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
        and (stands := getattr(standing, field.attname)) != (should := getattr(remade, field.attname))
        and field.to_python(stands) != field.to_python(should)
    ]


def _sequence(conversation: Conversation | None) -> int:
    return conversation.sequence if conversation is not None else 0
