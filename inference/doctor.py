"""What `manage.py doctor` says: the machine, its budget, what would be used for what and why, and what to change.

Asks the engine host too, if one runs: it knows what it really uses, and what is wrong.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec

from inference import catalogue
from inference.choice import CPU, Choice, choose
from inference.client import EngineClient
from inference.config import Config
from inference.engine_settings import MB
from inference.errors import EngineError
from inference.host.children.environment import Environment, set_for
from inference.host.watermark import build as watermark
from inference.machine import HOST, Machine, Memory
from inference.types import EngineKind, HostStatus, MemoryStatus

_EMBEDDED_BYTES = 1_300 * MB
"""All processes with the embedded engines and Kokoro, without a session (docs/performance.md)."""
_OURS = ("vllm", "f5")
"""Engines whose environments we make; others' are the operator's."""


class Running(msgspec.Struct, frozen=True):
    """What the engine host says of itself."""

    status: HostStatus
    memory: MemoryStatus


def running(settings: Config) -> Running | None:
    """None when no host answers."""

    async def ask() -> Running | None:
        async with EngineClient(settings.engine_url, api_key=settings.engine_api_key) as client:
            try:
                return Running(await client.status(), await client.memory())
            except EngineError:
                return None

    return asyncio.run(ask())


def without_ours(machine: Machine, memory: MemoryStatus) -> Machine:
    """The machine as if the running host had not been started: what it uses would be free for its next start."""
    ours: dict[str, int] = {}
    for engine in memory.engines:
        ours[engine.device] = ours.get(engine.device, 0) + (engine.measured or 0)

    def less(device: str, memory: Memory) -> Memory:
        return Memory(memory.total, max(0, memory.used - ours.get(device, 0)))

    gpus = tuple(msgspec.structs.replace(gpu, memory=less(gpu.device, gpu.memory)) for gpu in machine.gpus)
    return Machine(machine.cores, less(HOST, machine.memory), gpus)


def report(settings: Config, machine: Machine, host: Running | None) -> Iterator[str]:
    """Line by line."""
    choice = choose(settings, without_ours(machine, host.memory) if host else machine)
    yield "Machine"
    yield f"  cores       {machine.cores}" + (f", {settings.cores} for engines" if settings.threads else "")
    yield f"  memory      {_of(machine.memory, settings.gate.ceiling)}"
    for gpu in machine.gpus:
        yield f"  {gpu.device:11} {gpu.name}: {_of(gpu.memory, settings.gate.ceiling)}"
    if not machine.gpus:
        yield "  GPU         none (NVIDIA's driver names none)"
    yield ""
    yield "What would be used, and why"
    for why in choice.why:
        yield f"  {why.use}: {why.chosen}"
        yield f"      {why.because}"
        if why.to_change:
            yield f"      To change it: {why.to_change}"
    yield from _placements(settings, choice)
    yield ""
    yield from _sessions(settings, choice)
    yield ""
    yield from _host(settings, host)
    wrong = [*_wrong(settings, machine, host)]
    if wrong:
        yield ""
        yield "To do"
        yield from wrong


def _placements(settings: Config, choice: Choice) -> Iterator[str]:
    yield ""
    yield "Engines in processes of their own"
    for item in choice.placements:
        made = _environment(settings, set_for(item.engine, item.device)) if item.engine in _OURS else "is yours"
        yield f"  {_called(settings, item.engine)} on {item.device}, {_gb(item.reserved_bytes)}; its environment {made}"
    when = "marks cloned speech" if choice.may_clone else "only to look at a recording"
    made = _environment(settings, "watermark")
    yield f"  watermark on {CPU}, {_gb(watermark.MEMORY_BYTES)}, {when}; its environment {made}"


def _environment(settings: Config, name: str) -> str:
    if Environment(name, root=settings.engines_dir).made:
        return "is made"
    return f"is made on first use (manage.py engines prepare {name})"


def _called(settings: Config, engine: str) -> str:
    """An engine with its model, as the host and `manage.py engines list` call it."""
    models = {"vllm": settings.vllm.model, "f5": Path(settings.f5.model).stem}
    return f"{engine} ({models[engine]})" if engine in models else engine


def _sessions(settings: Config, choice: Choice) -> Iterator[str]:
    gate = settings.gate
    yield "Sessions"
    yield f"  at once     {settings.max_sessions} (AVATAR_MAX_SESSIONS), if memory allows"
    waiting = f"{gate.queue_places} may wait, {gate.queue_wait_s} s at most"
    queue = waiting if gate.queue_places else "none: who does not fit is refused at once"
    yield f"  queue       {queue} (AVATAR_QUEUE_PLACES)"
    yield f"  ceiling     {gate.ceiling:.0%} of each device (AVATAR_MEMORY_CEILING)"
    if gate.others_mb:
        yield f"  for others  {_gb(gate.others_mb * MB)} of each GPU (AVATAR_MEMORY_OTHERS_MB)"
    vllm = choice.placement("vllm")
    if vllm and vllm.sessions < settings.max_sessions:
        yield f"  vLLM has room for {vllm.sessions} of them; the others would wait for each other's tokens."


def _host(settings: Config, host: Running | None) -> Iterator[str]:
    yield "Engine host"
    if host is None:
        yield f"  none answers at {settings.engine_url}: `make run` starts it"
        return
    status, memory = host.status, host.memory
    yield f"  {'ready' if status.ready else 'not ready'}, {status.sessions} of {status.max_sessions} sessions"
    for engine in status.engines:
        yield f"  {engine.called}: {engine.state}" + (f"; {engine.detail}" if engine.detail else "")
    for device in memory.devices:
        yield (
            f"  {device.name}: {_gb(device.used)} of {_gb(device.limit)} used, {_gb(device.promised)} promised, "
            f"other programs {_gb(device.others)}"
        )
    if memory.service != "full":
        yield f"  Service is reduced ({memory.service}): {memory.service_reason}"


def _wrong(settings: Config, machine: Machine, host: Running | None) -> Iterator[str]:
    kinds: list[EngineKind] = ["stt", "turn"]
    if choose(settings, machine).chat == "embedded":
        kinds.append("chat")
    for kind in kinds:
        entry = catalogue.default(kind)
        if not catalogue.is_installed(entry):
            yield f"  {entry.title} is not on this machine: manage.py models pull {entry.name}"
    left = int(machine.memory.total * settings.gate.ceiling) - machine.memory.used
    if host is None and left < _EMBEDDED_BYTES:
        yield (
            f"  Only {_gb(max(0, left))} of memory are left below the ceiling, and the embedded engines need about "
            f"{_gb(_EMBEDDED_BYTES)}: end other programs, or raise AVATAR_MEMORY_CEILING."
        )


def _of(memory: Memory, ceiling: float) -> str:
    left = max(0, int(memory.total * ceiling) - memory.used)
    return f"{_gb(memory.total)}, {_gb(memory.used)} in use, {_gb(left)} left below the ceiling"


def _gb(size: int) -> str:
    return f"{size / 1024**3:.1f} GB"
