"""What the memory gate of a host knows."""

import msgspec

from inference.types.status import ServiceLevel


class DeviceMemory(msgspec.Struct, frozen=True):
    """Memory of the host or of a GPU, in bytes."""

    name: str
    """``host``, ``cuda:0`` and on."""
    total: int
    limit: int
    """The ceiling."""
    used: int
    """By anybody."""
    promised: int
    """To engines that are loading, and to sessions, and not used yet."""
    others: int
    """Used by other programs."""
    kept_for_others: int
    free_for_sessions: int


class EngineMemory(msgspec.Struct, frozen=True):
    """What one engine takes of its device, in bytes."""

    name: str
    model: str
    """Empty for what is no model: the host itself, the sessions' buffers."""
    kind: str
    role: str
    """``core``, ``voice``, ``clone`` or ``fine``: fine gives way first, core never."""
    device: str
    state: str
    """``absent``, ``loading``, ``loaded`` or ``unloading``."""
    declared: int
    session: int
    """What each session adds."""
    need: int
    """What it is counted with: as declared, corrected by what was measured."""
    measured: int | None = None


class MemoryStatus(msgspec.Struct, frozen=True):
    """What the memory gate of a host knows."""

    devices: tuple[DeviceMemory, ...] = ()
    engines: tuple[EngineMemory, ...] = ()
    sessions: int = 0
    max_sessions: int = 0
    waiting: int = 0
    queue_places: int = 0
    service: ServiceLevel = "full"
    service_reason: str = ""
