"""The index: keyed hashes of the words of each turn and title, following the log. Blocking; outside of transactions."""

import time
from collections.abc import Collection, Iterable
from uuid import UUID

import msgspec
from django.db import transaction

from conversations import following
from conversations.events import ConversationErased, ReplyHeard, ReplySpoken, TurnRedacted, UserTranscribed, UserWrote
from conversations.history_tables import SearchDocument, SearchToken
from conversations.log import store
from conversations.log.codec import decode_metadata
from conversations.log.gentle import with_room
from conversations.log.models import Event
from conversations.models import Conversation, Turn
from conversations.projections.rings import rings_of
from conversations.projections.turn_words import open_words
from conversations.projections.words import TurnWords
from conversations.reading import titled
from conversations.search.keys import SearchKey, search_key
from conversations.search.words import atoms, tokens
from conversations.streams import conversation_of, stream_of

NAME = "search"
_SAID = frozenset(fact.type for fact in (UserTranscribed, UserWrote, ReplySpoken, ReplyHeard))
_GONE = frozenset(fact.type for fact in (ConversationErased, TurnRedacted))
_BATCH = 5_000
_WINDOW = 200
"""Positions taken in at once: those who talk wait in line for such a transaction."""

Place = tuple[UUID, str]
"""A conversation and one of its turns; the empty turn is its title."""


class Prepared(msgspec.Struct):
    """What is to stand in the index: tokens by place; no token, no document."""

    tokens: dict[Place, frozenset[int]] = msgspec.field(default_factory=dict)


def searched_text(words: TurnWords) -> str:
    """What of a turn can be found: what the person said, and what was heard of the answer."""
    return "\n".join(filter(None, (words.user_text, words.heard_text)))


def catch_up(*, for_s: float = 60.0) -> int:
    """Takes in what was said since the last time, for so long at most; returns how many positions are still to go.

    Another process that does the same at the same time is let go first.
    """
    until = time.monotonic() + for_s
    reached, end = following.checkpoint(NAME), store.last_position()
    try:
        while reached < end:
            window = following.Window(reached, min(reached + _WINDOW, end), ())
            prepared = _prepare(window)
            with with_room():
                # Above all rows that it may touch: two that do the same would otherwise wait for each other.
                following.advance(NAME, window)
                _write(prepared)
            reached = window.reached
            if time.monotonic() >= until:
                break
    except following.Overtaken:
        reached = following.checkpoint(NAME)
    return max(0, store.last_position() - reached)


def forget(conversation_id: str | UUID, turn_id: str | None = None) -> None:
    """Removes the tokens of a turn, or of a conversation with its title, at once; in a transaction or outside."""
    documents = SearchDocument.objects.filter(conversation_id=conversation_id)
    if turn_id is not None:
        documents = documents.filter(turn_id=turn_id)
    else:
        titled.forget(conversation_id)
    SearchToken.objects.filter(document__in=documents).delete()
    documents.delete()


def index_title(conversation: Conversation, title: str) -> None:
    """Makes a title findable; an empty one is forgotten."""
    key = search_key(str(conversation.owner_id))
    hashed = _hashed(key, title) if key is not None else frozenset()
    with transaction.atomic():
        _write(Prepared({(conversation.id, ""): hashed}))


def differences(conversation_id: UUID) -> list[str]:
    """Where the index is not what the conversation's words say."""
    wanted, standing = _wanted(conversation_id), _standing(conversation_id)
    places = sorted(place for place in {*wanted, *standing} if wanted.get(place) != standing.get(place))
    return [
        f"the tokens of {f'turn {turn_id}' if turn_id else 'the title'} differ" for _conversation, turn_id in places
    ]


def repair(conversation_id: UUID) -> list[str]:
    """Makes a conversation's part of the index anew; returns what was different."""
    found = differences(conversation_id)
    if found:
        wanted = _wanted(conversation_id)
        missing: dict[Place, frozenset[int]] = dict.fromkeys(_standing(conversation_id), frozenset())
        with transaction.atomic():
            _write(Prepared(missing | wanted))
    return found


def _prepare(window: following.Window) -> Prepared:
    """Whatever happened to a turn, it is read anew as it stands now: taking an event in twice changes nothing."""
    order: dict[Place, None] = {}
    happened = Event.objects.filter(position__gt=window.after, position__lte=window.reached, type__in=_SAID | _GONE)
    for row in happened.order_by("position").only("stream", "type", "metadata"):
        conversation_id, turn_id = UUID(conversation_of(row.stream)), decode_metadata(row).correlation
        if row.type in _GONE:
            order.update(dict.fromkeys(_standing(conversation_id)))
        elif turn_id:
            order[conversation_id, turn_id] = None
    found = _tokens_at(order)
    return Prepared({place: found.get(place, frozenset()) for place in order})


def _tokens_at(places: Collection[Place]) -> dict[Place, frozenset[int]]:
    """The tokens of what is said at these places; nothing for those where nothing is."""
    ids = {conversation_id for conversation_id, _turn in places}
    conversations = Conversation.objects.filter(erased_at=None).in_bulk(ids)
    keys = {owner_id: search_key(str(owner_id)) for owner_id in {one.owner_id for one in conversations.values()}}
    turn_ids = {turn_id for _conversation, turn_id in places}
    turns = Turn.objects.filter(conversation__in=conversations, turn_id__in=turn_ids, redacted=False)
    wanted: dict[str, list[str]] = {stream_of(str(conversation_id)): [] for conversation_id in conversations}
    for conversation_id, turn_id in places:
        wanted.setdefault(stream_of(str(conversation_id)), []).append(turn_id)
    rings = rings_of(wanted)
    texts: dict[Place, str] = {}
    for turn in turns:
        words = open_words(turn, rings[stream_of(str(turn.conversation_id))])
        texts[turn.conversation_id, turn.turn_id] = searched_text(words) if words is not None else ""
    texts |= {(pk, ""): title for pk, title in titled.opened_many(conversations, rings).items()}
    found: dict[Place, frozenset[int]] = {}
    for place in places:
        key = keys[conversations[place[0]].owner_id] if place[0] in conversations else None
        if key is not None and (hashed := _hashed(key, texts.get(place, ""))):
            found[place] = hashed
    return found


def _hashed(key: SearchKey, text: str) -> frozenset[int]:
    return frozenset(map(key.hashed, tokens(atoms(text))))


def _wanted(conversation_id: UUID) -> dict[Place, frozenset[int]]:
    turns = Turn.objects.filter(conversation__id=conversation_id).order_by("number")
    return _tokens_at([(conversation_id, turn_id) for turn_id in (*turns.values_list("turn_id", flat=True), "")])


def _standing(conversation_id: UUID) -> dict[Place, frozenset[int]]:
    documents = SearchDocument.objects.filter(conversation_id=conversation_id)
    found: dict[str, set[int]] = {turn_id: set() for turn_id in documents.values_list("turn_id", flat=True)}
    held = SearchToken.objects.filter(document__in=documents).values_list("document__turn_id", "token")
    for turn_id, token in held:
        found.setdefault(turn_id, set()).add(token)
    return {(conversation_id, turn_id): frozenset(hashed) for turn_id, hashed in found.items()}


def _write(prepared: Prepared) -> None:
    """Inside a transaction: makes what stands at these places what is prepared, unless it was erased meanwhile."""
    wanted = dict.fromkeys(prepared.tokens, frozenset[int]()) | _still_there(prepared.tokens)
    known = _documents(wanted)
    SearchToken.objects.filter(document__in=known.values()).delete()
    empty = [known[place] for place, hashed in wanted.items() if not hashed and place in known]
    SearchDocument.objects.filter(pk__in=empty).delete()
    places = [place for place, hashed in wanted.items() if hashed]
    fresh = [SearchDocument(conversation_id=one, turn_id=two) for one, two in places if (one, two) not in known]
    SearchDocument.objects.bulk_create(fresh, ignore_conflicts=True)
    known = _documents(places)
    rows = (SearchToken(token=token, document_id=known[place]) for place in places for token in wanted[place])
    SearchToken.objects.bulk_create(rows, batch_size=_BATCH, ignore_conflicts=True)


def _still_there(tokens: dict[Place, frozenset[int]]) -> dict[Place, frozenset[int]]:
    ids = {conversation_id for conversation_id, _turn in tokens}
    standing = set(Conversation.objects.filter(id__in=ids, erased_at=None).values_list("id", flat=True))
    gone = Turn.objects.filter(conversation__in=ids, redacted=True).values_list("conversation_id", "turn_id")
    redacted = set(gone)
    return {place: found for place, found in tokens.items() if place[0] in standing and place not in redacted}


def _documents(places: Iterable[Place]) -> dict[Place, int]:
    wanted = set(places)
    rows = SearchDocument.objects.filter(conversation_id__in={conversation_id for conversation_id, _turn in wanted})
    found = rows.values_list("conversation_id", "turn_id", "pk")
    return {(one, two): pk for one, two, pk in found if (one, two) in wanted}


def known_conversations() -> list[UUID]:
    """All conversations, the oldest first, and those that only the index knows."""
    known = Conversation.objects.order_by("started_at", "id").values_list("pk", flat=True)
    indexed = SearchDocument.objects.values_list("conversation_id", flat=True).distinct()
    return list(dict.fromkeys((*known, *indexed)))
