"""Making a voice fall silent everywhere: the host, live sessions, other doors."""

from collections.abc import Iterable
from uuid import UUID

import structlog

from inference.client import EngineClient
from inference.errors import EngineError
from voices import engine
from voices.signals import voice_stopped

log = structlog.get_logger(__name__)


def tell_stopped(voice_id: str | UUID, reason: str, *, sample_ids: Iterable[str] = ()) -> None:
    """Only after the fact is durable. ``sample_ids``: references that must never sound again; without one, the voice
    is only not everybody's any more.

    Each of the two ways suffices: sessions obey the record, and the host stops on its own what it is synthesising.
    """
    voice_stopped.send(sender=tell_stopped, voice_id=str(voice_id), reason=reason)
    forgotten = [sample_id for sample_id in sample_ids if sample_id]
    if forgotten:
        try:
            engine.ask(lambda client: _forget(client, forgotten))
        except EngineError as error:
            log.warning("reference_not_forgotten", voice=str(voice_id), code=error.code)
    log.info("voice_stopped", voice=str(voice_id), reason=reason)


async def _forget(client: EngineClient, sample_ids: Iterable[str]) -> None:
    for sample_id in sample_ids:
        await client.forget_reference(sample_id)
