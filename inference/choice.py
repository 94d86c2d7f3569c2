"""Which engine is used for what, where, and why: as the settings say, else by what the machine has room for.

Pure: the same settings and the same machine give the same choice. The engine host builds what is chosen, and
`manage.py doctor` prints it.
"""

from typing import Literal

import msgspec

from inference.config import Config
from inference.engine_settings import MB, SpeechServer
from inference.machine import Machine, Memory

ChatChoice = Literal["embedded", "vllm", "url"]
FastChoice = Literal["none", "f5", "url"]
FineChoice = Literal["none", "cosyvoice", "vllm-omni", "url"]
CPU = "cpu"


class Placement(msgspec.Struct, frozen=True):
    """An engine of its own process, on a device."""

    engine: str
    """``vllm``, ``f5`` or ``cosyvoice``."""
    device: str
    """``cuda:0`` and on, or ``cpu``."""
    memory_bytes: int
    """What it may come to use there, without the sessions' share."""
    session_bytes: int = 0
    sessions: int = 0
    """Sessions for which it takes the memory at its start (vLLM's cache of keys and values)."""
    on_demand: bool = False

    @property
    def reserved_bytes(self) -> int:
        return self.memory_bytes + self.sessions * self.session_bytes


class Why(msgspec.Struct, frozen=True):
    """For people: what is used for ``use``, why, and what would change it."""

    use: str
    """``chat``, ``fast speech`` or ``fine speech``."""
    chosen: str
    because: str
    to_change: str = ""


class Choice(msgspec.Struct, frozen=True):
    chat: ChatChoice
    fast: FastChoice
    fine: FineChoice
    placements: tuple[Placement, ...] = ()
    """Of the chosen engines that have a process of their own."""
    why: tuple[Why, ...] = ()

    @property
    def devices(self) -> dict[str, str]:
        """The device of each engine of its own process, by the engine's name."""
        return {placement.engine: placement.device for placement in self.placements}

    @property
    def may_clone(self) -> bool:
        """Something other than the embedded voices speaks: the watermark has to be there from the start."""
        return self.fast != "none" or self.fine != "none"

    def placement(self, engine: str) -> Placement | None:
        return next((item for item in self.placements if item.engine == engine), None)


NOTHING_BESIDE = Choice("embedded", "none", "none")
"""Nothing but what is embedded."""


class _Room:
    """What is left of each GPU below the ceiling."""

    def __init__(self, settings: Config, machine: Machine) -> None:
        self._settings = settings
        self.left = {gpu.device: _room(settings, gpu.memory) for gpu in machine.gpus}

    @property
    def widest(self) -> str:
        """The GPU with the most room; ``cpu`` where there is none."""
        return max(self.left, key=lambda device: self.left[device], default=CPU)

    @property
    def most(self) -> int:
        return self.left.get(self.widest, 0)

    def take(self, size: int) -> str:
        """Takes ``size`` bytes of the widest GPU (or of none), whether they are there or not: the gate sees to that."""
        device = self.widest
        if device in self.left:
            self.left[device] -= size
        return device


def _room(settings: Config, memory: Memory) -> int:
    others = max(memory.used, settings.gate.others_mb * MB)
    return int(memory.total * settings.gate.ceiling) - others


def choose(settings: Config, machine: Machine) -> Choice:
    """Chat first, then fast speech, then fine speech, each where there is the most room."""
    room = _Room(settings, machine)
    chat, why_chat, thinks = _chat(settings, room)
    fast, why_fast, clones = _fast(settings, room)
    fine, why_fine, clones_finely = _fine(settings, room)
    placed = tuple(item for item in (thinks, clones, clones_finely) if item is not None)
    return Choice(chat, fast, fine, placed, (why_chat, why_fast, why_fine))


def _chat(settings: Config, room: _Room) -> tuple[ChatChoice, Why, Placement | None]:
    if settings.chat_url:
        return "url", Why("chat", settings.chat_url, "AVATAR_CHAT_URL names a server."), None
    vllm = settings.vllm
    each, alone = vllm.session_mb * MB, vllm.memory_mb * MB
    fits = room.most >= alone + each
    if settings.chat_engine == "embedded" or (settings.chat_engine == "auto" and not fits):
        because = "AVATAR_CHAT_ENGINE says so." if settings.chat_engine == "embedded" else _no_room(room, alone + each)
        change = (
            "A GPU with more free memory, a smaller AVATAR_VLLM_MODEL (with AVATAR_VLLM_MEMORY_MB), or AVATAR_CHAT_URL."
        )
        return "embedded", Why("chat", "embedded (llama.cpp)", because, change), None
    beside = settings.f5.memory_mb * MB if settings.fast_speech.engine in {"auto", "f5"} else 0
    sessions = settings.max_sessions
    if room.left:
        sessions = min(sessions, max(1, (room.most - alone - beside) // each))
    device = room.take(alone + sessions * each)
    placed = Placement("vllm", device, alone, each, sessions)
    if settings.chat_engine == "vllm":
        because = "AVATAR_CHAT_ENGINE says so."
        if not fits:
            because += " There is no GPU." if device == CPU else " There is less free memory than it declares."
    else:
        because = f"{device} has room for {vllm.model} and {sessions} sessions ({_gb(placed.reserved_bytes)})."
    change = "AVATAR_CHAT_ENGINE=embedded, another AVATAR_VLLM_MODEL, or AVATAR_CHAT_URL."
    if sessions < settings.max_sessions:
        change = f"{sessions} of {settings.max_sessions} sessions fit. AVATAR_MAX_SESSIONS={sessions}, or: {change}"
    return "vllm", Why("chat", f"vllm ({vllm.model}) on {device}", because, change), placed


def _fast(settings: Config, room: _Room) -> tuple[FastChoice, Why, Placement | None]:
    server = settings.fast_speech
    if server.engine == "url":
        return "url", _by_url("fast speech", "AVATAR_FAST_SPEECH", server), None
    need = settings.f5.memory_mb * MB
    if server.engine == "off" or (server.engine == "auto" and room.most < need):
        because = "AVATAR_FAST_SPEECH=off." if server.engine == "off" else _no_room(room, need)
        change = "AVATAR_FAST_SPEECH=f5 (slow without a GPU), or the address of a speech server."
        return "none", Why("fast speech", "embedded voices, no cloning", because, change), None
    because = "AVATAR_FAST_SPEECH=f5." if server.engine == "f5" else f"{room.widest} has room for it ({_gb(need)})."
    placed = Placement("f5", room.take(need), need)
    return "f5", Why("fast speech", f"f5 on {placed.device}", because, "AVATAR_FAST_SPEECH=off, or an address."), placed


def _fine(settings: Config, room: _Room) -> tuple[FineChoice, Why, Placement | None]:
    server, cosy = settings.fine_speech, settings.cosyvoice
    if server.engine == "url":
        return "vllm-omni" if server.omni else "url", _by_url("fine speech", "AVATAR_FINE_SPEECH", server), None
    need = cosy.memory_mb * MB
    missing = cosy.checkout is None
    if server.engine == "off" or (server.engine == "auto" and (missing or room.most < need)):
        because = (
            "AVATAR_FINE_SPEECH=off."
            if server.engine == "off"
            else "AVATAR_COSYVOICE_DIR names no checkout."
            if missing
            else _no_room(room, need)
        )
        change = "A checkout in AVATAR_COSYVOICE_DIR on a machine with a GPU, or a speech server in AVATAR_FINE_SPEECH."
        return "none", Why("fine speech", "none", because, change), None
    by_setting = server.engine == "cosyvoice"
    because = "AVATAR_FINE_SPEECH=cosyvoice." if by_setting else f"{room.widest} has room for it ({_gb(need)})."
    placed = Placement("cosyvoice", room.take(need), need, on_demand=True)
    chosen = f"cosyvoice on {placed.device}, when somebody wants it"
    return "cosyvoice", Why("fine speech", chosen, because, "AVATAR_FINE_SPEECH=off, or an address."), placed


def _by_url(use: str, variable: str, server: SpeechServer) -> Why:
    kind = "vllm-omni" if server.omni else "speech server"
    return Why(use, f"{kind} at {server.url}", f"{variable} names it.", f"{variable}=auto.")


def _no_room(room: _Room, need: int) -> str:
    if not room.left:
        return "There is no GPU."
    return f"No GPU has {_gb(need)} left below the ceiling ({room.widest}: {_gb(max(0, room.most))})."


def _gb(size: int) -> str:
    return f"{size / 1024**3:.1f} GB"
