"""What the gate of this host manages, from the settings and the engines that were chosen."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from inference import catalogue
from inference.choice import Choice
from inference.config import Config
from inference.engine_settings import MB
from inference.errors import EngineError
from inference.gate.terms import Declaration, Policy
from inference.host.changes import Changes
from inference.host.chat.backend import ChatBackend
from inference.host.chat.embedded import EmbeddedChat
from inference.host.children.child import Child, Children
from inference.host.memory.keeper import Keeper
from inference.host.memory.managed import (
    HOST_BYTES,
    Buffers,
    EmbeddedBackend,
    HostProcess,
    Managed,
    ManagedChild,
    ManagedVoice,
    device_of,
    role_of,
)
from inference.host.registry import Registry
from inference.machine import HOST, Machine


def build_keeper(
    settings: Config,
    choice: Choice,
    registry: Registry,
    chat: ChatBackend,
    children: Children,
    changes: Changes,
    measure: Callable[[], Machine],
) -> Keeper:
    """Call it when all children have been added."""
    gate = settings.gate
    policy = Policy(
        places=settings.max_sessions,
        ceiling=gate.ceiling,
        queue_places=gate.queue_places,
        queue_wait_s=float(gate.queue_wait_s),
    )
    managed: list[Managed] = [Buffers(), *_of_the_host(registry)]
    backend: object = chat
    if isinstance(backend, EmbeddedChat):
        managed.append(EmbeddedBackend(backend, _memory_of_chat()))
    managed += [ManagedChild(child, _declared(child, choice)) for child in children]
    return Keeper(policy, measure, managed, changes, others=gate.others_mb * MB)


def _of_the_host(registry: Registry) -> Iterator[Managed]:
    voices = {slot.model for slot in registry.tts}
    always = [slot.model for slot in registry.slots if slot.model not in voices]
    yield HostProcess(HOST_BYTES + sum(memory_of_model(model) for model in always), tuple(always))
    for slot in registry.tts:
        yield ManagedVoice(slot, Declaration(slot.model, "voice", HOST, memory_of_model(slot.model)), registry)


def _memory_of_chat() -> int:
    with suppress(EngineError):  # the backend says which model is not known
        return memory_of_model(catalogue.default("chat").name)
    return 0


def memory_of_model(model: str) -> int:
    """What the catalogue says a model needs; 0 for one that is not in it (a test's)."""
    known = {entry.name: entry.memory_mb for entry in catalogue.entries()}
    return known.get(model, 0) * MB


def _declared(child: Child, choice: Choice) -> Declaration:
    spec = child.spec
    placement = choice.placement(spec.name)
    role = role_of(child)
    if placement is None:
        return Declaration(spec.name, role, device_of(spec.device), spec.memory_bytes, on_demand=spec.on_demand)
    return Declaration(
        spec.name,
        role,
        device_of(placement.device),
        placement.memory_bytes,
        session=placement.session_bytes,
        pooled=placement.sessions,
        on_demand=placement.on_demand,
    )
