"""Which conversations hold copies of each other's turns: forks and what they come from. A copy has its turn's id."""

from collections.abc import Iterable
from uuid import UUID

from conversations.models import Conversation, Turn


def copies_of(conversation_ids: Iterable[UUID]) -> list[Conversation]:
    """All that was forked from these, and from their forks, that was not erased."""
    found: dict[UUID, Conversation] = {}
    seen = set(conversation_ids)
    frontier = seen
    while frontier:
        forks = {fork.id: fork for fork in Conversation.objects.filter(forked_from__in=frontier) if fork.id not in seen}
        found |= forks
        frontier = set(forks)
        seen |= frontier
    return [fork for fork in found.values() if fork.erased_at is None]


def holders_of(conversation_id: UUID, turn_id: str) -> list[UUID]:
    """The conversations that hold a turn: the one given first, then its relatives, without those that were erased."""
    root = conversation_id
    seen = {root}
    while (parent := _parent(root)) is not None and parent not in seen:
        root = parent
        seen.add(root)
    family = [root, *(fork.id for fork in copies_of([root]))]
    relatives = [one for one in family if one != conversation_id]
    turns = Turn.objects.filter(
        conversation__in=relatives, turn_id=turn_id, redacted=False, conversation__erased_at__isnull=True
    )
    return [conversation_id, *turns.values_list("conversation_id", flat=True)]


def _parent(conversation_id: UUID) -> UUID | None:
    return Conversation.objects.filter(id=conversation_id).values_list("forked_from", flat=True).first()
