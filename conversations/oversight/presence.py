"""Which sessions are live: each renews a row while its process lives; whose row grows old has lost its server."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from conversations.events import SessionClosed
from conversations.log.errors import LogError
from conversations.log.eventlog import event_log
from conversations.log.prepared import Insert
from conversations.models import Presence, Session, Turn
from conversations.oversight.processes import has_ended, this_process
from conversations.services.access import record

log = structlog.get_logger(__name__)
RENEW_S = 15.0
FRESH_S = 50.0
"""A row that old is of a server that is gone, or in trouble: three renewals were missed."""
LOST_S = 120.0
"""By then the session is closed for it, in the record too."""
LOST = "lost"
"""The reason of a `SessionClosed` that the session could not say itself."""
_save = Insert(Presence, key=("session_id",))


class LiveSession(msgspec.Struct, frozen=True):
    """A session that is live now, as a moderator's list shows it; nothing that was said."""

    session_id: str
    conversation_id: UUID
    owner_id: UUID
    owner_name: str
    is_guest: bool
    opened_at: datetime
    language: str
    voice: str
    muted: bool
    keep: str
    turn_count: int
    last_turn_at: datetime | None
    error_count: int
    open_flags: int


async def attend(session_id: str) -> None:
    """Renews the session's row until cancelled. What fails is tried again at the next renewal."""
    while True:
        try:
            await event_log().write(lambda: renew(session_id))
        except Exception as error:  # noqa: BLE001 - a database that is away must not end a conversation
            log.warning("presence_not_renewed", session=session_id, error=type(error).__name__)
        await asyncio.sleep(RENEW_S)


def renew(session_id: str) -> None:
    """Says that this process holds the session now. Inside the log's transaction."""
    _save([Presence(session_id=session_id, process=this_process(), seen_at=timezone.now())])


def live() -> QuerySet[Session]:
    """The sessions that are live now, the latest first: two queries at most, however many there are."""
    since = timezone.now() - timedelta(seconds=FRESH_S)
    seen = Presence.objects.filter(session_id=OuterRef("session_id"))
    fresh = Exists(seen.filter(seen_at__gte=since)) | (Q(opened_at__gte=since) & ~Exists(seen))
    return Session.objects.filter(fresh, closed_at=None).order_by("-opened_at", "session_id")


def live_sessions() -> tuple[LiveSession, ...]:
    """`live` with what a list shows of each, in one query."""
    turns = Turn.objects.filter(conversation=OuterRef("conversation")).order_by("-number")
    rows = (
        live()
        .select_related("conversation__owner")
        .annotate(
            last_turn_at=Subquery(turns.values("started_at")[:1]),
            last_language=Subquery(turns.exclude(language="").values("language")[:1]),
        )
    )
    return tuple(_described(row, row.last_turn_at, row.last_language) for row in rows)


def holders() -> int:
    """How many processes hold live sessions now."""
    since = timezone.now() - timedelta(seconds=FRESH_S)
    return Presence.objects.filter(seen_at__gte=since).values("process").distinct().count()


def sweep() -> int:
    """Closes, in the record, the sessions whose server died, and forgets old rows; returns how many it closed."""
    now = timezone.now()
    seen = {row.session_id: row for row in Presence.objects.all()}
    closed = 0
    for session in Session.objects.filter(closed_at=None):
        row = seen.get(session.session_id)
        last = row.seen_at if row is not None else session.opened_at
        if (row is not None and has_ended(row.process)) or now - last > timedelta(seconds=LOST_S):
            key = f"lost:{session.session_id}"
            fact = SessionClosed(session_id=session.session_id, reason=LOST)
            try:
                record(session.conversation_id, fact, actor=None, idempotency_key=key)
            except LogError as error:
                # The next sweep tries again; the others are closed now.
                log.warning("lost_session_not_closed", session=session.session_id, error=type(error).__name__)
                continue
            closed += 1
    open_ids = Session.objects.filter(closed_at=None).values("session_id")
    Presence.objects.exclude(session_id__in=open_ids).delete()
    if closed:
        log.info("lost_sessions_closed", sessions=closed)
    return closed


def _described(session: Session, last_turn_at: datetime | None, last_language: str | None) -> LiveSession:
    conversation = session.conversation
    owner = conversation.owner
    return LiveSession(
        session_id=session.session_id,
        conversation_id=conversation.id,
        owner_id=owner.pk,
        owner_name=owner.get_username(),
        is_guest=owner.is_guest,
        opened_at=session.opened_at,
        language=last_language or session.language or conversation.language,
        voice=session.voice or conversation.voice,
        muted=session.muted,
        keep=conversation.keep,
        turn_count=conversation.turn_count,
        last_turn_at=last_turn_at,
        error_count=conversation.error_count,
        open_flags=conversation.open_flags,
    )
