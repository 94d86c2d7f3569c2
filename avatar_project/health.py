"""`GET /health`: 200 once a conversation can start, 503 with the reason until then."""

import asyncio
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conversations.engines import engines
from conversations.log.errors import LogError
from conversations.log.eventlog import event_log
from inference.errors import EngineError
from inference.types import HostStatus

ANSWER_WITHIN_S = 2.0


_NO_DATABASE = "The database does not answer. Is it running, and does DATABASE_URL name it?"


async def _database() -> str:
    """Over a connection of the log: what it needs is what a conversation needs."""

    def ask() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return "ok"

    return await event_log().read(ask)


def _described(status: HostStatus) -> dict[str, Any]:
    return {
        "sessions": {"open": status.sessions, "most": status.max_sessions},
        "engines": [
            {"kind": e.kind, "model": e.model, "state": e.state, "progress": e.progress, "detail": e.detail}
            for e in status.engines
        ],
    }


@never_cache
@require_safe
@login_not_required
async def health(request: HttpRequest) -> JsonResponse:
    """JSON: ``status`` (``ready`` or ``starting``), ``database``, ``engines`` with state and progress."""
    body: dict[str, Any] = {"status": "starting", "database": "unknown", "engines": []}
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            body["database"] = await _database()
            status = await engines().status()
    except (LogError, DatabaseError):
        body["detail"] = _NO_DATABASE
    except EngineError as error:
        body["detail"] = error.message
    except TimeoutError:
        late = f"No answer within {ANSWER_WITHIN_S:g} s. Is the engine host running?"
        body["detail"] = late if body["database"] == "ok" else _NO_DATABASE
    else:
        body |= _described(status)
        if status.ready:
            body["status"] = "ready"
    response = JsonResponse(body, status=200 if body["status"] == "ready" else 503)
    response._has_been_logged = True  # type: ignore[attr-defined]  # "not yet" is an answer, not an error of the server
    return response
