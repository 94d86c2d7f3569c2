"""GET /v1/audio/voices, and which voice a request means: a preset, the caller's own, or one that is shared."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import structlog
from django.http import HttpResponse

from avatar_project.doors import on_a_door_thread
from avatar_project.openai_api.callers import AUDIO
from avatar_project.openai_api.errors import RETRY_AFTER_S, ApiError
from avatar_project.openai_api.handler import Request
from avatar_project.openai_api.views import caller, json_answer, view
from conversations.engines import engines
from conversations.lending import Profiles
from conversations.log.errors import LogError
from conversations.realtime.borrowing import Borrowed, NotLent
from voices import presets, selectors

lender = Profiles(door="api")
log = structlog.get_logger(__name__)


class Chosen(msgspec.Struct, frozen=True):
    """The voice of one request: a preset by its name, or a profile."""

    name: str
    borrowed: Borrowed | None = None


@view("GET")
async def voices(request: Request) -> HttpResponse:
    """Presets for everybody; for a key with the scope ``audio`` the profiles that its owner may use, too."""
    status = await engines().status()
    listed: list[dict[str, Any]] = [
        {"id": voice.id, "name": voice.name, "languages": voice.languages, "cloned": False} for voice in status.voices
    ]
    who = caller(request)
    if who.person_id is not None and AUDIO in who.scopes:
        usable = await on_a_door_thread(selectors.usable_by, who.person_id)
        listed += [
            {"id": voice.id, "name": voice.name, "languages": voice.languages, "cloned": True, "own": voice.own}
            for voice in usable
        ]
    return json_answer({"object": "list", "voices": listed, "data": listed})


async def chosen(voice: str | dict[str, Any], person_id: str) -> Chosen:
    """The voice by that name; another name than a profile's id is the host's to judge (unknown: its default).

    Raises `ApiError`: 404 for a profile that the person may not use, whatever the reason; 503 while nobody can tell.
    """
    name = voice if isinstance(voice, str) else voice.get("id", "")
    if not isinstance(name, str):
        name = ""
    try:
        profile = UUID(name)
    except ValueError:
        return Chosen(name)
    try:
        return Chosen("", await lender.lend(person_id, str(profile)))
    except NotLent as error:
        preset = await asyncio.to_thread(presets.find, profile)
        if preset is not None:
            return Chosen(preset.id)
        raise ApiError(404, "voice_not_found", error.message, param="voice") from None
    except LogError as error:
        log.warning("voice_not_fetched", error=type(error).__name__)
        message = "The voice could not be fetched now: try again."
        raise ApiError(503, "busy", message, retry_in_s=RETRY_AFTER_S) from None
