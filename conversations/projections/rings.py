"""The keys of many turns of many conversations in one query."""

from collections.abc import Iterable, Mapping

from conversations.log.keys import KeyRing
from conversations.log.models import Key


def rings_of(turns: Mapping[str, Iterable[str]]) -> dict[str, KeyRing]:
    """A ring for each stream, with the stream's own keys and those of the turns named for it."""
    rings = {stream: KeyRing(stream) for stream in turns}
    wanted = {turn_id for turn_ids in turns.values() for turn_id in turn_ids}
    for row in Key.objects.filter(stream__in=list(rings), turn__in=["", *wanted]):
        ring = rings[row.stream]
        ring.rows[row.turn, row.purpose] = row
        ring.by_id[row.id] = row
    return rings
