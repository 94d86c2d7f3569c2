"""The voices that engines bring along, in the same lists as people's own."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Collection
from uuid import UUID, uuid5

from common import engine
from inference.errors import EngineError
from inference.types import HostStatus, Quality, VoiceInfo

_NAMESPACE = UUID("6f1c6f0e-2b8c-5d0e-9a53-8f6f6d1f7a10")
_FRESH_S = 15.0
_lock = threading.Lock()
_known: tuple[float, HostStatus] = (float("-inf"), HostStatus(ready=False))


def id_of(preset: str) -> UUID:
    """A preset's id in lists, the same on every server: made from its engine's name for it."""
    return uuid5(_NAMESPACE, preset)


def all_presets() -> tuple[VoiceInfo, ...]:
    """What the engine host offers, at most `_FRESH_S` old; what was known last while it does not answer."""
    return _status().voices


def cloning() -> tuple[Quality, ...]:
    """How the engine host can speak in the voices of people; as fresh as `all_presets`."""
    return _status().cloning


def find(name: str | UUID) -> VoiceInfo | None:
    """A preset by its engine's name or by `id_of`; None when the host offers no such."""
    wanted = str(name)
    return next((one for one in all_presets() if wanted in {one.id, str(id_of(one.id))}), None)


def names(known: Collection[VoiceInfo] | None = None) -> dict[str, str]:
    """What people call each preset, by its engine's name for it; of two that are called alike, each with its engine."""
    known = all_presets() if known is None else known
    called = Counter(preset.name for preset in known)
    return {one.id: one.name if called[one.name] == 1 else f"{one.name} ({one.engine})" for one in known}


def forget() -> None:
    """Asks the host anew next time; for tests."""
    global _known  # noqa: PLW0603
    _known = (float("-inf"), HostStatus(ready=False))


def _status() -> HostStatus:
    global _known  # noqa: PLW0603 - one per process, as the host is
    with _lock:
        asked, status = _known
        if time.monotonic() - asked < _FRESH_S:
            return status
        with contextlib.suppress(EngineError):
            status = engine.ask(lambda client: client.status())
        _known = (time.monotonic(), status)
        return status
