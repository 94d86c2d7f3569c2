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
_USUAL = {
    "default": "chat",
    **dict.fromkeys(("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"), "stt"),
    **dict.fromkeys(("tts-1", "tts-1-hd", "gpt-4o-mini-tts"), "tts"),
}
"""Names that programs come with (docs/adr/0147): each is answered for by the first model of its kind."""


@view("GET", CHAT, AUDIO)
async def models(request: Request) -> HttpResponse:
    """Engines that are not ready stand here too, with their ``state``."""
    status = await engines().status()
    return json_answer({"object": "list", "data": [_model(engine, status) for engine in _served(status)]})


@view("GET", CHAT, AUDIO)
async def model(request: Request, name: str) -> HttpResponse:
    """By its own name, or by one of OpenAI's for its kind; then ``root`` says which it is."""
    status = await engines().status()
    served = _served(status)
    found = next((engine for engine in served if engine.model == name), None)
    if found is not None:
        return json_answer(_model(found, status))
    found = next((engine for engine in served if engine.kind == _USUAL.get(name)), None)
    if found is None:
        raise _unknown(name, served)
    return json_answer(_model(found, status) | {"id": name, "root": found.model})


@view("GET")
async def speech_models(request: Request) -> HttpResponse:
    """What Open WebUI asks for, without a key."""
    status = await engines().status()
    found = [engine for engine in status.engines if engine.kind == "tts" and engine.model]
    return json_answer({"models": [{"id": engine.model, "name": engine.model} for engine in found]})


def _unknown(name: str, served: list[EngineStatus]) -> ApiError:
    there = ", ".join(dict.fromkeys(engine.model for engine in served)) or "none yet: the engines are starting"
    usual = ", ".join(_USUAL)
    message = f"There is no model {name[:100]!r} here. There are: {there}. Answered for as well: {usual}."
    return ApiError(404, "model_not_found", message, param="model")


def _served(status: HostStatus) -> list[EngineStatus]:
    return [engine for kind in _SERVED for engine in status.engines if engine.kind == kind and engine.model]


def _model(engine: EngineStatus, status: HostStatus) -> dict[str, Any]:
    told: dict[str, Any] = {"id": engine.model, "object": "model", "created": 0, "owned_by": "avatar"}
    told |= {"kind": engine.kind, "state": engine.state, "languages": engine.languages}
    if engine.kind == "chat" and status.context_tokens:
        told["max_model_len"] = status.context_tokens
    return told
