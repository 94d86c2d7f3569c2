"""/api/system and the probes on the running server with its real engines: a voice is unloaded and comes back."""

import json
import time
import urllib.request
from typing import Any

import pytest

from tests.server import Stack

pytestmark = [pytest.mark.models, pytest.mark.server]
KEY = """
from tests.conversations.api_helpers import key_of, person
from django.contrib.auth import get_user_model
person("system-operator", "operate_engines")
print(key_of(get_user_model().objects.get(username="system-operator"), "system", "audio"))
"""


class Operator:
    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.key = stack.manage("shell", "--no-imports", "-v", "0", "-c", KEY).split()[-1]

    def ask(self, method: str, path: str) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"{self.stack.base_url}{path}", method=method, headers={"Authorization": f"Bearer {self.key}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def models(self) -> dict[str, Any]:
        return {model["id"]: model for model in self.ask("GET", "/api/system/models/")[1]["results"]}

    def becomes(self, model: str, state: str) -> None:
        until = time.monotonic() + 60
        while (found := self.models()[model]["state"]) != state:
            assert time.monotonic() < until, f"{model} is still {found}"
            time.sleep(0.2)

    def voices(self) -> set[str]:
        return {voice["id"] for voice in self.ask("GET", "/v1/audio/voices")[1]["voices"]}


@pytest.fixture(scope="module")
def operator(stack: Stack) -> Operator:
    return Operator(stack)


def test_models_and_memory_are_the_machines(operator: Operator) -> None:
    models = operator.models()
    assert {"chat", "stt", "tts", "turn"} <= {model["kind"] for model in models.values()}
    status, memory = operator.ask("GET", "/api/system/memory/")
    assert status == 200
    (host,) = [device for device in memory["devices"] if device["name"] == "host"]
    assert 0 < host["used"] < host["total"]
    assert host["limit"] < host["total"]
    assert all(engine["need"] >= 0 for engine in memory["engines"])
    status, sessions = operator.ask("GET", "/api/system/sessions/")
    assert (status, sessions["most"]) == (200, 5)


def test_a_voice_is_unloaded_and_comes_back(operator: Operator) -> None:
    operator.becomes("kokoro", "ready")
    assert "zf_xiaoxiao" in operator.voices()
    assert operator.ask("POST", "/api/system/models/kokoro/unload/")[0] == 200
    operator.becomes("kokoro", "unloaded")
    assert "zf_xiaoxiao" not in operator.voices()
    assert operator.ask("POST", "/api/system/models/kokoro/load/")[0] == 202
    operator.becomes("kokoro", "ready")
    assert "zf_xiaoxiao" in operator.voices()


def test_what_every_conversation_needs_is_not_unloaded(operator: Operator) -> None:
    status, problem = operator.ask("POST", "/api/system/models/whisper-base/unload/")
    assert (status, problem["code"]) == (409, "wrong_state")
    assert problem["detail"]
    assert operator.models()["whisper-base"]["state"] == "ready"


def test_the_probes_of_a_server_that_is_ready(operator: Operator) -> None:
    for path, told in (("/livez", "alive"), ("/readyz", "ready"), ("/health", "ready")):
        status, body = operator.ask("GET", path)
        assert (status, body["status"]) == (200, told)
