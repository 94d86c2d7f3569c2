"""What a person may choose from when they run a conversation of theirs again."""

import asyncio

import msgspec

from conversations.rerun.engines import opened
from inference.errors import EngineError
from inference.types import HostStatus, VoiceInfo
from voices import presets
from voices.selectors import usable_by
from voices.types import VoiceChoice

WITHIN_S = 2.0


class Choices(msgspec.Struct, frozen=True):
    """``models`` and ``presets`` are empty while the engine host does not answer; ``profiles`` are people's voices.

    No two presets are called alike.
    """

    models: tuple[str, ...] = ()
    presets: tuple[VoiceInfo, ...] = ()
    profiles: tuple[VoiceChoice, ...] = ()


def choices_for(person_id: str) -> Choices:
    """Blocking, at most `WITHIN_S` and a query. Not from a coroutine."""
    status = asyncio.run(_status())
    names = presets.names(status.voices)
    return Choices(
        models=tuple(engine.model for engine in status.engines if engine.kind == "chat" and engine.model),
        presets=tuple(msgspec.structs.replace(one, name=names[one.id]) for one in status.voices),
        profiles=usable_by(person_id) if status.cloning else (),
    )


async def _status() -> HostStatus:
    try:
        async with asyncio.timeout(WITHIN_S), opened() as engines:
            return await engines.status()
    except (EngineError, TimeoutError):
        return HostStatus(ready=False)
