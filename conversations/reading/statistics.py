"""Figures of many turns: how long people waited, how much was said, what failed; over all and by day.

One query reads the turns' figures, whatever their number; percentiles are taken here, because SQLite has none.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from django.db.models import CharField, QuerySet
from django.db.models.functions import Cast, Substr
from django.utils import timezone

from conversations.models import Conversation, Session, Turn

STEPS = ("endpoint_ms", "transcript_ms", "first_token_ms", "first_sentence_ms", "first_audio_ms", "model_ms")
_FIRST_AUDIO = STEPS.index("first_audio_ms")
_MINUTE = 16
"""Characters of ``2026-11-23 08:00``."""


class Latency(msgspec.Struct, frozen=True):
    """Of ``n`` turns that have the step, in milliseconds from the true end of speech; linear between neighbours."""

    n: int
    p50_ms: float
    p95_ms: float


class Figures(msgspec.Struct, frozen=True):
    """``errors``: how many turns failed with each code."""

    turns: int
    completed: int
    cancelled: int
    failed: int
    errors: dict[str, int]
    latency: dict[str, Latency | None]


class Spoken(msgspec.Struct, frozen=True):
    """Turns whose first sentence one engine spoke, in a person's voice or in one of its own."""

    engine: str
    cloned: bool
    turns: int
    first_audio_ms: Latency | None


class Day(msgspec.Struct, frozen=True):
    day: date
    figures: Figures


class Statistics(msgspec.Struct, frozen=True):
    """From ``since`` up to ``until``; days are those of the server's time zone, and only those with turns."""

    since: datetime
    until: datetime
    conversations: int
    sessions: int
    total: Figures
    days: tuple[Day, ...]
    spoken: tuple[Spoken, ...] = ()


@dataclass(slots=True)
class _Gathered:
    status: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    rows: list[Sequence[float | None]] = field(default_factory=list)
    waited: dict[tuple[str, bool], list[float | None]] = field(default_factory=dict)
    """Until the first sound, by engine and whether the voice was cloned."""


def statistics(since: datetime, until: datetime, *, owner_id: str | None) -> Statistics:
    """Of the owner's conversations, hidden ones apart, or of everybody's (``owner_id`` is None).

    Three queries.
    """
    turns = Turn.objects.filter(started_at__gte=since, started_at__lt=until)
    conversations = Conversation.objects.filter(updated_at__gte=since, started_at__lt=until)
    sessions = Session.objects.filter(opened_at__gte=since, opened_at__lt=until)
    if owner_id is not None:
        turns = turns.filter(conversation__owner__pk=owner_id, conversation__hidden=False)
        conversations = conversations.filter(owner__pk=owner_id, hidden=False)
        sessions = sessions.filter(conversation__owner__pk=owner_id, conversation__hidden=False)
    by_day = _gather(turns)
    everything = _Gathered()
    for gathered in by_day.values():
        everything.status += gathered.status
        everything.errors += gathered.errors
        everything.rows += gathered.rows
        for spoken, waited in gathered.waited.items():
            everything.waited.setdefault(spoken, []).extend(waited)
    return Statistics(
        since=since,
        until=until,
        conversations=conversations.count(),
        sessions=sessions.count(),
        total=_figures(everything),
        days=tuple(Day(day, _figures(by_day[day])) for day in sorted(by_day)),
        spoken=tuple(_spoken(*by, everything.waited[by]) for by in sorted(everything.waited)),
    )


def _gather(turns: "QuerySet[Turn]") -> dict[date, _Gathered]:
    # The minute as text: turning 100,000 moments into datetimes takes longer than all the rest.
    minute = Substr(Cast("started_at", CharField()), 1, _MINUTE)
    rows = turns.annotate(minute=minute).values_list(
        "minute", "status", "error_code", "speech_engine", "cloned", *STEPS
    )
    day_of = _day_reader()
    found: dict[date, _Gathered] = {}
    for minute_text, status, error_code, engine, cloned, *steps in rows.order_by().iterator(chunk_size=5000):
        day = day_of(minute_text)
        gathered = found.get(day)
        if gathered is None:
            gathered = found[day] = _Gathered()
        gathered.status[status] += 1
        if error_code:
            gathered.errors[error_code] += 1
        gathered.rows.append(steps)
        if engine:
            gathered.waited.setdefault((engine, cloned), []).append(steps[_FIRST_AUDIO])
    return found


def _day_reader() -> Callable[[str], date]:
    """Local days of UTC minutes; each minute that comes up is worked out once."""
    zone: Any = timezone.get_default_timezone()

    @cache
    def day_of(minute: str) -> date:
        return datetime.fromisoformat(minute).replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).date()

    return day_of


def _figures(gathered: _Gathered) -> Figures:
    status = gathered.status
    table = np.array(gathered.rows, dtype=np.float64).reshape(len(gathered.rows), len(STEPS))
    return Figures(
        turns=status.total(),
        completed=status["completed"],
        cancelled=status["cancelled"],
        failed=status["failed"],
        errors=dict(sorted(gathered.errors.items())),
        latency={name: _latency(column) for name, column in zip(STEPS, table.T, strict=True)},
    )


def _spoken(engine: str, cloned: bool, waited: Sequence[float | None]) -> Spoken:
    return Spoken(engine, cloned, len(waited), _latency(np.array(waited, dtype=np.float64)))


def _latency(column: "np.ndarray[Any, np.dtype[np.float64]]") -> Latency | None:
    known = column[~np.isnan(column)]
    if not len(known):
        return None
    p50, p95 = np.percentile(known, (50, 95))
    return Latency(len(known), round(float(p50), 1), round(float(p95), 1))
