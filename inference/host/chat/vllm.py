"""Chat by a vLLM server that we start: an OpenAI-compatible server like any other, whose process is ours to watch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec

from inference.choice import CPU, Placement
from inference.config import Config
from inference.host.changes import Changes
from inference.host.chat.backend import ChatBody
from inference.host.chat.remote import RemoteChat
from inference.host.children.child import Child
from inference.host.children.environment import Environment, set_for
from inference.host.children.spec import Address, EngineSpec
from inference.machine import card_number
from inference.types import EngineState, EngineStatus

SESSION_TOKENS = 4096
"""Window of a session when none is set: what AVATAR_VLLM_SESSION_MB is counted for."""
_LOAD_TIMEOUT_S = 3600.0  # the first start fetches the weights
_GRACE_S = 5.0
_WAIT_S = 60.0
_SPARE_SEQUENCES = 2


class VllmChat(RemoteChat):
    """The answers of all sessions are made together: vLLM batches them token by token."""

    def __init__(self, child: Child, changes: Changes, *, context_tokens: int) -> None:
        super().__init__(
            child.address.url, "", "", changes, context_tokens=context_tokens, connector=child.address.connector
        )
        self._child = child
        self._life = 0

    @property
    def status(self) -> EngineStatus:
        remote, child = super().status, self._child.status
        if child.state != "ready":
            return child
        state: EngineState = "ready" if remote.state == "ready" else "loading"
        detail = "" if state == "ready" else f"Connecting to {child.model}."
        return msgspec.structs.replace(child, state=state, detail=detail, figures=remote.figures)

    async def get_ready(self) -> None:
        await self._child.get_ready(_WAIT_S)
        self._notice_new_life()
        await super().get_ready()

    @asynccontextmanager
    async def post(self, body: ChatBody) -> AsyncIterator[aiohttp.ClientResponse]:
        async with super().post(body) as response:
            yield response
            if response.content.exception() is not None:  # it broke off, which tells sooner than the process' end
                self._child.note_broken()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run(), name="vllm answers")
            tasks.create_task(self._watch(), name="vllm lives")

    async def _refused(self) -> bool:
        """The process has died and its end has not been noticed yet; nothing was sent, so this is no repetition."""
        self._child.note_broken()
        await self.get_ready()
        return True

    async def _probe(self, http: aiohttp.ClientSession) -> float:
        if self._child.status.state != "ready":
            return _WAIT_S  # until `look_again`
        return await super()._probe(http)

    async def _watch(self) -> None:
        with self._changes.watch() as changed:
            while True:
                changed.clear()
                if self._child.status.state == "ready":
                    self._notice_new_life()
                await changed.wait()

    def _notice_new_life(self) -> None:
        if self._life != self._child.starts:
            self._life = self._child.starts
            self.look_again()


def vllm_spec(settings: Config, placement: Placement, socket: Path) -> EngineSpec:
    """How vLLM's server is started: for so many sessions, and with no more memory than was reserved for them."""
    model = settings.vllm.model
    folder = Path(model).expanduser()
    local = folder.is_dir()
    sessions = placement.sessions if placement.device != CPU else settings.max_sessions
    argv = [
        *("-m", "vllm.entrypoints.openai.api_server", "--uds", str(socket)),
        *("--model", str(folder) if local else model, "--served-model-name", folder.name if local else model),
        *("--max-model-len", str(_window(settings, folder))),
        *("--max-num-seqs", str(2 * sessions + _SPARE_SEQUENCES)),  # an answer that was given up may still be ending
        *("--kv-cache-memory-bytes", str(sessions * placement.session_bytes)),
        *("--enable-auto-tool-choice", "--tool-call-parser", "hermes"),
        *("--enable-prompt-tokens-details", "--disable-uvicorn-access-log"),
    ]
    env = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    if local:
        env["HF_HUB_OFFLINE"] = "1"
    if placement.device == CPU:
        argv.append("--enforce-eager")  # compiling takes a minute and a compiler
    else:
        env |= {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": card_number(placement.device)}
    return EngineSpec(
        name="vllm",
        kind="chat",
        model=folder.name if local else model,
        environment=Environment(set_for("vllm", placement.device)),
        argv=(*argv, *settings.vllm.args),
        address=Address(socket=socket),
        env=env,
        memory_bytes=placement.reserved_bytes,
        device=placement.device,
        load_timeout_s=_LOAD_TIMEOUT_S,
        grace_s=_GRACE_S,
        progress_said=r"(\d+)% Completed",
    )


def _window(settings: Config, folder: Path) -> int:
    """Tokens of one session, within what the model was made for where that can be read."""
    wanted = settings.chat_context_tokens or SESSION_TOKENS
    try:
        told = msgspec.json.decode((folder / "config.json").read_bytes(), type=_Shape)
    except (OSError, msgspec.MsgspecError):
        return wanted
    return min(wanted, told.max_position_embeddings or wanted)


class _Shape(msgspec.Struct):
    """Of a model's ``config.json``."""

    max_position_embeddings: int = 0
