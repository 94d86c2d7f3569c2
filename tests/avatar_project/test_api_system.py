"""/api/system: for operators alone; models with their memory, sessions without names, loading and unloading."""

from collections.abc import Callable
from typing import Any, Self

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from common import engine
from inference.errors import EngineRefused, EngineUnavailable
from inference.types import DeviceMemory, EngineMemory, EngineStatus, HostStatus, MemoryStatus
from tests.conversations.api_helpers import key_of, person, started

pytestmark = pytest.mark.django_db(transaction=True)
QWEN = "Qwen/Qwen2.5-7B-Instruct-AWQ"
GB = 1024**3


class Host:
    """An engine host in a state that the test sets."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    refusal: Exception | None = None
    changed: tuple[tuple[str, str], ...] = ()
    fine = "unloaded"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def status(self) -> HostStatus:
        engines = (
            EngineStatus("chat", QWEN, "ready"),
            EngineStatus("tts", "cosyvoice3", Host.fine, languages=("zh",)),  # type: ignore[arg-type]
            EngineStatus("turn", "smart-turn", "ready", memory_bytes=5),
        )
        return HostStatus(ready=True, engines=engines)

    async def memory(self) -> MemoryStatus:
        device = DeviceMemory("cuda:0", 24 * GB, 21 * GB, 12 * GB, GB, 0, 0, 8 * GB)
        chat = EngineMemory("vllm", QWEN, "chat", "core", "cuda:0", "loaded", 10 * GB, 0, 10 * GB, 11 * GB)
        fine = EngineMemory("cosyvoice", "cosyvoice3", "tts", "fine", "cuda:0", "absent", 4 * GB, 0, 4 * GB)
        return MemoryStatus((device,), (chat, fine), 2, 5, 1, 3, "no_fine", "cuda:0 is short of memory")

    async def load(self, name: str) -> None:
        self._change("load", name)
        Host.fine = "loading"

    async def unload(self, name: str) -> None:
        self._change("unload", name)
        Host.fine = "unloaded"

    def _change(self, what: str, name: str) -> None:
        if Host.refusal is not None:
            raise Host.refusal
        Host.changed += ((what, name),)


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> type[Host]:
    monkeypatch.setattr(engine, "EngineClient", Host)
    Host.refusal, Host.changed, Host.fine = None, (), "unloaded"
    return Host


@pytest.fixture
def operator() -> Client:
    user = person("olga")
    user.groups.add(Group.objects.get(name="operator"))
    return Client(headers={"authorization": f"Bearer {key_of(user, 'system')}"})


def test_models_are_told_with_their_memory(operator: Client) -> None:
    models = {model["id"]: model for model in operator.get("/api/system/models/").json()["results"]}
    assert models[QWEN]["role"] == "core"
    assert (models[QWEN]["declared"], models[QWEN]["measured"]) == (10 * GB, 11 * GB)
    assert (models["cosyvoice3"]["engine"], models["cosyvoice3"]["state"]) == ("cosyvoice", "unloaded")
    assert models["smart-turn"]["declared"] == 5


def test_memory_by_device_and_engine(operator: Client) -> None:
    told = operator.get("/api/system/memory/").json()
    assert (told["service"], told["devices"][0]["limit"]) == ("no_fine", 21 * GB)
    assert [engine["name"] for engine in told["engines"]] == ["vllm", "cosyvoice"]


def test_sessions_are_told_without_names(operator: Client) -> None:
    conversation = started(person("ada"))
    told = operator.get("/api/system/sessions/").json()
    assert {name: told[name] for name in ("open", "most", "waiting", "queue_places")} == {
        "open": 2,
        "most": 5,
        "waiting": 1,
        "queue_places": 3,
    }
    (session,) = told["results"]
    assert session["conversation"] == conversation
    assert "ada" not in str(told)


@pytest.mark.parametrize("name", ["cosyvoice3", "cosyvoice"])
def test_a_model_is_loaded_and_unloaded_by_either_name(operator: Client, host: type[Host], name: str) -> None:
    loaded = operator.post(f"/api/system/models/{name}/load/")
    assert (loaded.status_code, loaded.json()["state"]) == (202, "loading")
    unloaded = operator.post(f"/api/system/models/{name}/unload/")
    assert (unloaded.status_code, unloaded.json()["state"]) == (200, "unloaded")
    assert host.changed == (("load", name), ("unload", name))


def test_a_name_may_have_a_slash(operator: Client, host: type[Host]) -> None:
    assert operator.post(f"/api/system/models/{QWEN}/unload/").status_code == 200
    assert host.changed == (("unload", QWEN),)
    assert operator.post("/api/system/models/nobody/load/").status_code == 404


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (EngineRefused("Every conversation needs it."), 409, "wrong_state"),
        (EngineUnavailable("There is not the memory for it: 4.0 GB are needed."), 503, "engine_unavailable"),
    ],
)
def test_a_refusal_is_told_in_the_hosts_words(
    operator: Client, host: type[Host], refusal: Exception, status: int, code: str
) -> None:
    host.refusal = refusal
    answer = operator.post(f"/api/system/models/{QWEN}/unload/")
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (status, code, str(refusal))


ADDRESSES: list[tuple[str, Callable[[Client, str], Any]]] = [
    ("models/", Client.get),
    ("memory/", Client.get),
    ("sessions/", Client.get),
    ("models/cosyvoice3/load/", Client.post),
    ("models/cosyvoice3/unload/", Client.post),
]


@pytest.mark.parametrize(("address", "ask"), ADDRESSES)
def test_who_may_not_is_refused(address: str, ask: Callable[[Client, str], Any], host: type[Host]) -> None:
    path = f"/api/system/{address}"
    may = person("olga", "operate_engines")
    mayn_t = person("ada")
    for user, scopes, status in ((mayn_t, ("system",), 403), (may, ("audio",), 403), (may, ("system",), 200)):
        client = Client(headers={"authorization": f"Bearer {key_of(user, *scopes)}"})
        assert ask(client, path).status_code in {status, 202 if status == 200 else status}
    assert ask(Client(), path).status_code == 401
    assert len(host.changed) <= 1
