"""Proving the chain: every row's hash, every link, no gap, no missing tail."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from conversations.log.chain import GENESIS, compute_hash
from conversations.log.heads import ExportedHead, HeadsFile
from conversations.log.models import Event, Head
from conversations.log.triggers import highest_position_given

PAGE = 2000
Progress = Callable[[int], object]
"""Told how many more events were read."""


@dataclass(frozen=True, slots=True)
class Break:
    """Where a stream, or the log as a whole (``stream`` is empty), is first found broken."""

    stream: str
    sequence: int
    position: int
    what: str


@dataclass(slots=True)
class Verdict:
    events: int = 0
    streams: int = 0
    breaks: list[Break] = field(default_factory=list)


@dataclass(slots=True)
class _Tail:
    sequence: int = 0
    hash: str = GENESIS
    broken: bool = False


def verify(
    stream: str | None = None, progress: Progress = lambda _count: None, exported: HeadsFile | None = None
) -> Verdict:
    """Checks one stream or all. Of each broken stream the first break is named, in the order of positions.

    ``exported``: heads that were kept elsewhere; each must still be where it was, with the hash it had.
    """
    verdict = Verdict()
    kept = _kept(exported, stream)
    tails: dict[str, _Tail] = {}
    expected = 1
    # The ends first: what is appended while this runs lies after them and can only make the log longer.
    given = highest_position_given()
    heads = {head.stream: head for head in Head.objects.all() if stream in (None, head.stream)}
    for page in _pages(stream):
        for event in page:
            if stream is None and event.position != expected:
                verdict.breaks.append(_gap(expected, event.position - 1))
            expected = event.position + 1
            tail = tails.setdefault(event.stream, _Tail())
            what = _fault(event, tail) or _rewritten(event, kept)
            if not tail.broken and what is not None:
                verdict.breaks.append(Break(event.stream, event.sequence, event.position, what))
                tail.broken = True
            tail.sequence, tail.hash = event.sequence, event.hash
        verdict.events += len(page)
        progress(len(page))
    verdict.breaks.extend(_missing_tails(heads, tails))
    if stream is None and given is None and verdict.events:
        verdict.breaks.append(Break("", 0, 0, "the database's own note of the highest position is gone"))
    if stream is None and given is not None and given >= expected:
        verdict.breaks.append(_gap(expected, given))
    named = {found.stream for found in verdict.breaks}
    verdict.breaks.extend(found for found in _lost(kept, tails) if found.stream not in named)
    verdict.streams = len(tails.keys() | heads.keys() | kept.keys())
    return verdict


def _pages(stream: str | None) -> Iterator[list[Event]]:
    rows = Event.objects.order_by("position")
    if stream is not None:
        rows = rows.filter(stream=stream)
    after = 0
    while page := list(rows.filter(position__gt=after)[:PAGE]):
        yield page
        after = page[-1].position


def _fault(event: Event, tail: _Tail) -> str | None:
    if event.sequence > tail.sequence + 1:
        missing = _range("sequence", tail.sequence + 1, event.sequence - 1)
        return f"{missing} before this event is missing"
    if event.sequence != tail.sequence + 1:
        return f"follows sequence {tail.sequence}: its own was changed"
    if event.hash != compute_hash(event):
        return "its content is not what was recorded"
    if event.prev_hash != tail.hash:
        return "it does not follow from the event before it, one of the two was replaced"
    return None


def _kept(exported: HeadsFile | None, stream: str | None) -> Mapping[str, ExportedHead]:
    heads = exported.heads if exported is not None else ()
    return {head.stream: head for head in heads if stream in (None, head.stream)}


def _rewritten(event: Event, kept: Mapping[str, ExportedHead]) -> str | None:
    head = kept.get(event.stream)
    if head is None or head.sequence != event.sequence or (head.position, head.hash) == (event.position, event.hash):
        return None
    return "it is not the event whose hash was exported: this stream was rewritten since"


def _lost(kept: Mapping[str, ExportedHead], tails: Mapping[str, _Tail]) -> Iterator[Break]:
    for head in kept.values():
        tail = tails.get(head.stream, _Tail())
        if tail.sequence < head.sequence:
            yield Break(head.stream, head.sequence, head.position, "it was exported as the last and is missing since")


def _missing_tails(heads: dict[str, Head], tails: dict[str, _Tail]) -> Iterator[Break]:
    for stream in heads.keys() | tails.keys():
        head, tail = heads.get(stream), tails.get(stream, _Tail())
        if head is None or tail.sequence > head.sequence:
            head = Head.objects.filter(stream=stream).first()  # It may have grown since.
        if head is None or tail.sequence > head.sequence:
            yield Break(stream, tail.sequence, 0, "the recorded end of the stream is missing or older than this event")
        elif tail.sequence < head.sequence:
            missing = _range("sequence", tail.sequence + 1, head.sequence)
            yield Break(stream, tail.sequence + 1, head.position, f"the tail is missing: {missing}")
        elif tail.hash != head.hash and not tail.broken:
            yield Break(stream, head.sequence, head.position, "it is not the event that was recorded as the last")


def _gap(first: int, last: int) -> Break:
    return Break("", 0, first, f"{_range('position', first, last)} missing from the log")


def _range(name: str, first: int, last: int) -> str:
    return f"{name} {first}" if first == last else f"{name}s {first} to {last}"
