"""Asks /v1 in the test's own process, as Daphne would."""

import json
from typing import Any

from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator

from avatar_project.models import User
from avatar_project.openai_api.door import Door
from avatar_project.openai_api.handler import Handler
from tests.conversations.api_helpers import key_of


async def otherwise(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"pages"})


class Asker:
    """Asks the ASGI application as Daphne does."""

    def __init__(self) -> None:
        self.door = Door(Handler(), otherwise)

    def begin(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        key: str | None = None,
        server: str = "127.0.0.1",
        **headers: str,
    ) -> Any:
        told = {"host": "localhost", "content-type": "application/json", "content-length": str(len(body)), **headers}
        if key is not None:
            told["authorization"] = f"Bearer {key}"
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in told.items()]
        scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": raw}
        communicator: Any = ApplicationCommunicator
        return communicator(self.door, {**scope, "server": (server, 8000), "client": ("192.0.2.1", 5)})

    async def ask(self, method: str, path: str, body: Any = b"", **more: Any) -> tuple[int, dict[str, str], bytes]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        asked = self.begin(method, path, raw, **more)
        await asked.send_input({"type": "http.request", "body": raw})
        start = await asked.receive_output(10)
        received = b""
        while True:
            message = await asked.receive_output(10)
            received += message.get("body", b"")
            if not message.get("more_body"):
                break
        await asked.wait(10)
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return start["status"], headers, received


async def a_key(*scopes: str) -> str:
    def make() -> str:
        owner, _ = User.objects.get_or_create(username="ada")
        return key_of(owner, *scopes)

    return await sync_to_async(make)()


def error_of(body: bytes) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(body)["error"]
    assert set(told) == {"message", "type", "param", "code"}
    assert told["message"]
    return told
