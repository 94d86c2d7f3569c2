"""Looking something up: the index names candidates, their words decide."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from django.db.models import Count, Exists, OuterRef, Q

from conversations.history_tables import SearchDocument, SearchToken
from conversations.log.keys import KeyRing
from conversations.models import Conversation, Turn
from conversations.projections.rings import rings_of
from conversations.projections.turn_words import open_words
from conversations.reading import titled
from conversations.reading.listing import Filters, Row, rows, visible
from conversations.search import terms
from conversations.search.index import catch_up, searched_text
from conversations.search.keys import search_key
from conversations.search.terms import Query, Segment
from conversations.streams import stream_of

PAGE = 20
PASSAGES = 3
"""Shown of one conversation."""
_BATCH = 60
_MOST_CHECKED = 360
"""Candidates opened for one page; a page may then be short, and another follows."""
_PATIENCE_S = 1.0


class Passage(msgspec.Struct, frozen=True):
    """Where it was said. ``number`` is the turn's, 0 for the title."""

    number: int
    at: datetime | None
    excerpt: tuple[Segment, ...]


class Hit(msgspec.Struct, frozen=True):
    """A conversation in which it was said; the latest passages first, `PASSAGES` at most."""

    conversation: Row
    passages: tuple[Passage, ...]


class Found(msgspec.Struct, frozen=True):
    """``older``: the cursor of the next page, 0 when there is none. ``behind``: events that are not indexed yet."""

    hits: tuple[Hit, ...] = ()
    older: int = 0
    behind: int = 0


def find(owner_id: str, query: str, filters: Filters = Filters(), before: int = 0, size: int = PAGE) -> Found:  # noqa: B008
    """The owner's conversations in which one turn (or the title) holds everything that the query asks for.

    Words are found by their stem, Chinese anywhere, what stands in quotation marks exactly. The latest first;
    ``before`` is the `Found.older` of the page before.
    """
    behind = catch_up(for_s=_PATIENCE_S)
    wanted = terms.parse(query)
    key = search_key(owner_id) if wanted.tokens else None
    if key is None:
        return Found(behind=behind)
    tokens = _rarest_first([key.hashed(token) for token in wanted.tokens])
    if not tokens:
        return Found(behind=behind)
    hits, older = _collect(_Search(owner_id, wanted, tokens, filters), before, size)
    conversations = {conversation.id: conversation for conversation in Conversation.objects.filter(id__in=hits)}
    shown = rows([conversations[pk] for pk in hits if pk in conversations])
    return Found(tuple(Hit(row, tuple(hits[UUID(row.conversation_id)])) for row in shown), older, behind)


class _Search(msgspec.Struct, frozen=True):
    owner_id: str
    query: Query
    tokens: tuple[int, ...]
    filters: Filters

    def candidates(self, before: int) -> list[SearchDocument]:
        """Documents that hold all tokens, the latest first, found through the rarest of them."""
        held = SearchToken.objects.filter(self._all(), token=self.tokens[0])
        held = held.filter(visible(self.owner_id, self.filters, "document__conversation__"))
        if before:
            held = held.filter(document_id__lt=before)
        return [each.document for each in held.select_related("document").order_by("-document_id")[:_BATCH]]

    def shown_before(self, conversation_ids: Sequence[UUID], before: int) -> set[UUID]:
        """Those of which an earlier page has shown a passage."""
        held = SearchToken.objects.filter(self._all(), token=self.tokens[0], document_id__gte=before)
        held = held.filter(document__conversation__in=conversation_ids)
        return set(held.values_list("document__conversation_id", flat=True))

    def _all(self) -> Q:
        condition = Q()
        for token in self.tokens[1:]:
            condition &= Q(Exists(SearchToken.objects.filter(token=token, document_id=OuterRef("document_id"))))
        return condition


def _rarest_first(tokens: Sequence[int]) -> tuple[int, ...]:
    """None at all when one of them was never said."""
    counted = SearchToken.objects.filter(token__in=tokens).values_list("token").annotate(count=Count("document_id"))
    counts = dict(counted)
    return tuple(sorted(tokens, key=counts.__getitem__)) if len(counts) == len(set(tokens)) else ()


def _collect(search: _Search, before: int, size: int) -> tuple[dict[UUID, list[Passage]], int]:
    hits: dict[UUID, list[Passage]] = {}
    at, checked = before, 0
    while checked < _MOST_CHECKED:
        batch = search.candidates(at)
        seen = search.shown_before([document.conversation_id for document in batch], before) if before else set()
        for document, passage in _confirmed(search.query, batch):
            if document.conversation_id in seen:
                continue
            if document.conversation_id not in hits and len(hits) == size:
                return hits, at
            at = document.pk
            passages = hits.setdefault(document.conversation_id, [])
            if len(passages) < PASSAGES:
                passages.append(passage)
        if len(batch) < _BATCH:
            return hits, 0
        at = batch[-1].pk
        checked += len(batch)
    return hits, at


def _confirmed(query: Query, batch: Sequence[SearchDocument]) -> Iterator[tuple[SearchDocument, Passage]]:
    """The documents whose words hold what the query asks for, with the passage."""
    streams: dict[str, list[str]] = {}
    for document in batch:
        streams.setdefault(stream_of(str(document.conversation_id)), []).append(document.turn_id)
    rings = rings_of(streams)
    ids = {document.conversation_id for document in batch}
    turn_ids = {document.turn_id for document in batch if document.turn_id}
    found = Turn.objects.filter(conversation__in=ids, turn_id__in=turn_ids)
    turns = {(turn.conversation_id, turn.turn_id): turn for turn in found}
    titles = titled.opened_many(ids, rings)
    for document in batch:
        ring = rings[stream_of(str(document.conversation_id))]
        turn = turns.get((document.conversation_id, document.turn_id))
        text = titles.get(document.conversation_id, "") if not document.turn_id else _said(turn, ring)
        if spans := terms.match(query, text):
            number, moment = (turn.number, turn.started_at) if turn is not None else (0, None)
            yield document, Passage(number, moment, terms.excerpt(text, spans))


def _said(turn: Turn | None, ring: KeyRing) -> str:
    words = open_words(turn, ring) if turn is not None else None
    return searched_text(words) if words is not None else ""
