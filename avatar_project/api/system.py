"""What operators see of the engines and may do to them: models, memory, sessions."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.actor import require
from common.engine import ask
from common.rest import Serializer, View
from conversations.oversight.presence import live
from inference.client import EngineClient
from inference.types import EngineMemory, EngineStatus, HostStatus, MemoryStatus

PERMISSION = "avatar_project.operate_engines"
SCOPE = "system"
_MOST_SESSIONS = 1000
_NAME = OpenApiParameter("name", str, OpenApiParameter.PATH, description="A model's name, or its engine's.")


class ModelOut(Serializer):
    """A model and the engine that runs it."""

    id = serializers.CharField(help_text="The model's name: what `load` and `unload` take.")
    engine = serializers.CharField(help_text="Its engine's name; empty where the host does not account for it.")
    kind = serializers.CharField(help_text="`chat`, `stt`, `tts`, `turn`, `speaker`, …")
    state = serializers.CharField(help_text="`absent`, `unloaded`, `loading`, `ready` or `failed`.")
    progress = serializers.FloatField(allow_null=True, help_text="0 to 1 while loading, if known.")
    detail = serializers.CharField(help_text="What it is doing, or what went wrong and what to do.")
    languages = serializers.ListField(child=serializers.CharField())
    role = serializers.CharField(help_text="`fine` gives way first, then `clone`, `voice`; `core` never.")
    device = serializers.CharField(help_text="`host`, `cuda:0`, …")
    declared = serializers.IntegerField(allow_null=True, help_text="Bytes that it says it needs.")
    measured = serializers.IntegerField(allow_null=True, help_text="Bytes that it was measured to use.")


class ModelsOut(Serializer):
    results = ModelOut(many=True)


class DeviceOut(Serializer):
    """Memory of the host or of a GPU, in bytes."""

    name = serializers.CharField()
    total = serializers.IntegerField()
    limit = serializers.IntegerField(help_text="The ceiling, which is never crossed.")
    used = serializers.IntegerField(help_text="By anybody.")
    promised = serializers.IntegerField(help_text="To what is loading and to sessions, and not used yet.")
    others = serializers.IntegerField(help_text="Used by other programs.")
    kept_for_others = serializers.IntegerField()
    free_for_sessions = serializers.IntegerField()


class EngineMemoryOut(Serializer):
    """What one engine takes of its device, in bytes."""

    name = serializers.CharField()
    model = serializers.CharField()
    kind = serializers.CharField()
    role = serializers.CharField()
    device = serializers.CharField()
    state = serializers.CharField()
    declared = serializers.IntegerField()
    session = serializers.IntegerField(help_text="What each session adds.")
    need = serializers.IntegerField(help_text="What it is counted with: as declared, corrected by what was measured.")
    measured = serializers.IntegerField(allow_null=True)


class MemoryOut(Serializer):
    service = serializers.ChoiceField(["full", "no_fine", "no_clones", "text_only"], help_text="What people can have.")
    service_reason = serializers.CharField()
    devices = DeviceOut(many=True)
    engines = EngineMemoryOut(many=True)


class SessionOut(Serializer):
    """A session that is live; nothing of what is said, and nobody's name."""

    id = serializers.CharField(source="session_id")
    conversation = serializers.UUIDField(source="conversation_id")
    opened_at = serializers.DateTimeField()
    model = serializers.CharField()
    voice = serializers.CharField()
    language = serializers.CharField()


class SessionsOut(Serializer):
    open = serializers.IntegerField(help_text="Places that are taken; re-runs and previews may hold some, too.")
    most = serializers.IntegerField(help_text="Places that there are at most.")
    waiting = serializers.IntegerField(help_text="Who waits for a place.")
    queue_places = serializers.IntegerField(help_text="How many may wait.")
    results = SessionOut(many=True)


class SystemView(View):
    """For operators alone; a key needs the scope ``system`` besides."""

    read_scope = write_scope = SCOPE

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        require(self.actor, PERMISSION)


class Models(SystemView):
    @extend_schema(operation_id="system_models", tags=["system"], summary="The models here", responses=ModelsOut)
    def get(self, request: Request) -> Response:
        return Response({"results": ModelOut(ask(_models), many=True).data})


class Memory(SystemView):
    @extend_schema(operation_id="system_memory", tags=["system"], summary="Who uses which memory", responses=MemoryOut)
    def get(self, request: Request) -> Response:
        return Response(MemoryOut(ask(lambda client: client.memory())).data)


class Sessions(SystemView):
    @extend_schema(
        operation_id="system_sessions", tags=["system"], summary="Sessions that are live", responses=SessionsOut
    )
    def get(self, request: Request) -> Response:
        memory = ask(lambda client: client.memory())
        told = {
            "open": memory.sessions,
            "most": memory.max_sessions,
            "waiting": memory.waiting,
            "queue_places": memory.queue_places,
            "results": list(live()[:_MOST_SESSIONS]),
        }
        return Response(SessionsOut(told).data)


class Load(SystemView):
    @extend_schema(
        operation_id="system_model_load",
        tags=["system"],
        summary="Load a model",
        description="Begins it; the list of models says how far it is. 503 when there is not the memory for it.",
        parameters=[_NAME],
        request=None,
        responses={202: ModelOut},
    )
    def post(self, request: Request, name: str) -> Response:
        ask(lambda client: _change(client, name, client.load))
        return Response(ModelOut(_named(ask(_models), name)).data, status=202)


class Unload(SystemView):
    @extend_schema(
        operation_id="system_model_unload",
        tags=["system"],
        summary="Unload a model",
        description="Gives its memory back; what is being said with it ends. 409 for what every conversation needs.",
        parameters=[_NAME],
        request=None,
        responses=ModelOut,
    )
    def post(self, request: Request, name: str) -> Response:
        ask(lambda client: _change(client, name, client.unload))
        return Response(ModelOut(_named(ask(_models), name)).data)


class _Model(msgspec.Struct, frozen=True):
    """`ModelOut` says what the fields are."""

    id: str
    engine: str
    kind: str
    state: str
    progress: float | None
    detail: str
    languages: tuple[str, ...]
    role: str
    device: str
    declared: int | None
    measured: int | None


async def _models(client: EngineClient) -> list[_Model]:
    return _merged(await client.status(), await client.memory())


def _merged(status: HostStatus, memory: MemoryStatus) -> list[_Model]:
    """Each engine as its status has it, with what the memory gate knows of it."""
    accounts = {account.model: account for account in memory.engines if account.model}
    return [_model(engine, accounts.get(engine.model)) for engine in status.engines if engine.model]


def _model(engine: EngineStatus, account: EngineMemory | None) -> _Model:
    return _Model(
        id=engine.model,
        engine=account.name if account else "",
        kind=engine.kind,
        state=engine.state,
        progress=engine.progress,
        detail=engine.detail,
        languages=engine.languages,
        role=account.role if account else "",
        device=account.device if account else "",
        declared=account.declared if account else engine.memory_bytes or None,
        measured=account.measured if account else None,
    )


def _named(models: list[_Model], name: str) -> _Model:
    found = next((model for model in models if name in {model.id, model.engine}), None)
    if found is None:
        raise Http404
    return found


async def _change(client: EngineClient, name: str, change: Callable[[str], Awaitable[Any]]) -> None:
    _named(await _models(client), name)
    await change(name)
