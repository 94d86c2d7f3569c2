"""What the memory gate is told and what it answers: plain values. Memory in bytes, times in seconds of the caller's."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from inference.machine import Memory
from inference.types import ServiceLevel

Role = Literal["core", "voice", "clone", "fine"]
"""What gives way to what: fine speech first, then cloned speech, then the embedded voices, and the core never."""
SHED_ORDER: tuple[Role, ...] = ("fine", "clone", "voice")
EngineLife = Literal["absent", "loading", "loaded", "unloading"]


class Policy(msgspec.Struct, frozen=True):
    """How the gate decides."""

    places: int
    """Sessions at once, whatever the memory."""
    ceiling: float = 0.90
    """Of each device's memory, whoever uses it."""
    margin: float = 0.03
    """Of each device's memory, kept free below the ceiling when memory is given away. When half of it has gone all the
    same, something is unloaded: the other half is what others may take until that is done."""
    hysteresis: float = 0.03
    """Of each device's memory: so much more than needed must be free before something is loaded again ..."""
    hold_s: float = 30.0
    """... for so long."""
    queue_places: int = 0
    queue_wait_s: float = 300.0
    patience_s: float = 0.5
    """How long somebody who may not wait in the queue waits for room that is being made: a refusal is due in time."""
    lease_s: float = 20.0
    """A place whose holder is silent for so long is free."""
    settle_s: float = 600.0
    """After so long an engine has shown what it needs; what it takes later is a leak."""
    remember_s: float = 600.0
    """For so long the most that other programs used of a GPU is kept for them."""


class Device(msgspec.Struct, frozen=True):
    name: str
    total: int
    others: int = 0
    """Kept for other programs, whether they use it or not. What can be unloaded may use it meanwhile."""
    shared: bool = False
    """The host's memory, where programs come and go: what they used a while ago is not kept for them."""


class Declaration(msgspec.Struct, frozen=True):
    """What an engine says it needs of its device."""

    engine: str
    role: Role
    device: str
    memory: int
    """Once loaded, without sessions."""
    session: int = 0
    """What each session adds."""
    pooled: int = 0
    """Sessions whose share is taken when the engine loads."""
    on_demand: bool = False
    restarts: bool = True
    """It may be ended and loaded again when it leaks."""


class Measurement(msgspec.Struct, frozen=True):
    devices: Mapping[str, Memory]
    engines: Mapping[str, int]
    """What each engine's processes use of its device; engines that share a process with others are left out."""
    caches: Mapping[str, int] = {}
    """What of that its sessions' caches hold, of engines that tell."""
    hidden: frozenset[str] = frozenset()
    """Engines that have processes whose use the device's driver does not tell (in a container, say)."""


class Granted(msgspec.Struct, frozen=True):
    lease: str


class Refused(msgspec.Struct, frozen=True):
    lease: str
    reason: str
    """For people."""


class Waits(msgspec.Struct, frozen=True):
    """A place in the queue, or a new one."""

    lease: str
    position: int
    """1 is the next."""
    expected_s: float | None


class Expired(msgspec.Struct, frozen=True):
    """The holder of this place has been silent for too long: it is free."""

    lease: str


class Unload(msgspec.Struct, frozen=True):
    """End this engine at once, whatever it is doing; `Gate.sync` is told when it has gone."""

    engine: str


class Load(msgspec.Struct, frozen=True):
    """Load this engine again."""

    engine: str


class Service(msgspec.Struct, frozen=True):
    """What people can have from now on."""

    level: ServiceLevel
    reason: str
    """For operators."""


Action = Granted | Refused | Waits | Expired | Unload | Load | Service
