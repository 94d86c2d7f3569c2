"""GET /v1/models: what this installation can think, hear and speak with."""

from typing import Any

from django.http import HttpResponse

from avatar_project.openai_api.callers import AUDIO, CHAT
from avatar_project.openai_api.errors import ApiError
from avatar_project.openai_api.handler import Request
from avatar_project.openai_api.views import json_answer, view
from conversations.engines import engines
from inference.types import EngineStatus, HostStatus

_SERVED = ("chat", "stt", "tts")
"""The chat model comes first: clients that are told no name take the first."""


@view("GET", CHAT, AUDIO)
async def models(request: Request) -> HttpResponse:
    """Engines that are not ready stand here too, with their ``state``."""
    status = await engines().status()
    return json_answer({"object": "list", "data": [_model(engine, status) for engine in _served(status)]})


@view("GET", CHAT, AUDIO)
async def model(request: Request, name: str) -> HttpResponse:
    status = await engines().status()
    found = next((engine for engine in _served(status) if engine.model == name), None)
    if found is None:
        raise ApiError(404, "model_not_found", f"There is no model {name[:200]!r} here. See /v1/models.", param="model")
    return json_answer(_model(found, status))


@view("GET")
async def speech_models(request: Request) -> HttpResponse:
    """What Open WebUI asks for, without a key."""
    status = await engines().status()
    found = [engine for engine in status.engines if engine.kind == "tts" and engine.model]
    return json_answer({"models": [{"id": engine.model, "name": engine.model} for engine in found]})


def _served(status: HostStatus) -> list[EngineStatus]:
    return [engine for kind in _SERVED for engine in status.engines if engine.kind == kind and engine.model]


def _model(engine: EngineStatus, status: HostStatus) -> dict[str, Any]:
    told: dict[str, Any] = {"id": engine.model, "object": "model", "created": 0, "owned_by": "avatar"}
    told |= {"kind": engine.kind, "state": engine.state, "languages": engine.languages}
    if engine.kind == "chat" and status.context_tokens:
        told["max_model_len"] = status.context_tokens
    return told
