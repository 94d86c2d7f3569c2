"""How the server is: `/livez` (this process answers), `/readyz` (a conversation can start), `/health` (everything).

Nobody signs in for them, and they name no person. ``reasons`` say what is missing, for people and with a code each.
"""

import asyncio
from typing import Any

import msgspec
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conversations.engines import engines
from conversations.log.errors import LogError
from conversations.log.eventlog import event_log
from inference.errors import EngineError
from inference.types import EngineStatus, HostStatus

ANSWER_WITHIN_S = 2.0
_NO_DATABASE = "The database does not answer. Is it running, and does DATABASE_URL name it?"
_NEEDED = ("stt", "chat", "tts")
"""Without one of each no conversation starts."""


class Reason(msgspec.Struct, frozen=True):
    """``code``: ``database_away``, ``engine_host_away``, or ``engine_`` and the state of the engine that is missing."""

    code: str
    detail: str


class Found(msgspec.Struct, frozen=True):
    """What was asked for and answered in time."""

    database: bool
    host: HostStatus | None
    reasons: tuple[Reason, ...]

    @property
    def ready(self) -> bool:
        return not self.reasons


@never_cache
@require_safe
@login_not_required
async def live(request: HttpRequest) -> JsonResponse:
    """200 while the process answers at all; a supervisor that gets nothing starts it again."""
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
@login_not_required
async def ready(request: HttpRequest) -> JsonResponse:
    """200 once a conversation can start; until then 503 and the reasons."""
    found = await _look()
    reasons = [msgspec.to_builtins(reason) for reason in found.reasons]
    return _answer({"status": "ready" if found.ready else "starting", "reasons": reasons}, found)


@never_cache
@require_safe
@login_not_required
async def health(request: HttpRequest) -> JsonResponse:
    """``status`` (``ready`` or ``starting``), ``reasons``, ``database``, ``service``, ``engines`` with progress."""
    found = await _look()
    body: dict[str, Any] = {
        "status": "ready" if found.ready else "starting",
        "reasons": [msgspec.to_builtins(reason) for reason in found.reasons],
        "database": "ok" if found.database else "unknown",
        "engines": [],
    }
    if found.reasons:
        body["detail"] = found.reasons[0].detail
    if found.host is not None:
        body |= _described(found.host)
    return _answer(body, found)


async def _look() -> Found:
    """Asks the database and the engine host, at most `ANSWER_WITHIN_S`."""
    database = False
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await _database()
            database = True
            status = await engines().status()
    except (LogError, DatabaseError):
        return Found(False, None, (Reason("database_away", _NO_DATABASE),))
    except EngineError as error:
        return Found(True, None, (Reason("engine_host_away", error.message),))
    except TimeoutError:
        if not database:
            return Found(False, None, (Reason("database_away", _NO_DATABASE),))
        late = f"No answer within {ANSWER_WITHIN_S:g} s. Is the engine host running?"
        return Found(True, None, (Reason("engine_host_away", late),))
    return Found(True, status, () if status.ready else tuple(_missing(status)))


async def _database() -> None:
    """Over a connection of the log: what it needs is what a conversation needs."""

    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    await event_log().read(ask)


def _missing(status: HostStatus) -> list[Reason]:
    """Of each kind that a conversation needs, the first engine, while none of the kind is ready."""
    reasons = []
    for kind in _NEEDED:
        of_kind = [engine for engine in status.engines if engine.kind == kind]
        if of_kind and not any(engine.state == "ready" for engine in of_kind):
            reasons.append(Reason(f"engine_{of_kind[0].state}", _said_of(of_kind[0])))
    return reasons or [Reason("engine_loading", "The engines are starting.")]


def _said_of(engine: EngineStatus) -> str:
    return engine.detail or f"{engine.called} is not ready."


def _described(status: HostStatus) -> dict[str, Any]:
    return {
        "sessions": {"open": status.sessions, "most": status.max_sessions, "waiting": status.waiting},
        "service": {"level": status.service, "reason": status.service_reason},
        "engines": [
            {
                "kind": e.kind,
                "engine": e.engine,
                "model": e.model,
                "state": e.state,
                "progress": e.progress,
                "detail": e.detail,
            }
            for e in status.engines
        ],
    }


def _answer(body: dict[str, Any], found: Found) -> JsonResponse:
    response = JsonResponse(body, status=200 if found.ready else 503)
    response._has_been_logged = True  # type: ignore[attr-defined]  # "not yet" is an answer, not an error of the server
    return response
