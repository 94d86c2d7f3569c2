"""Making a voice fall silent everywhere: the host, live sessions, other doors."""

from uuid import UUID

import structlog

from voices.services import recalls
from voices.signals import voice_stopped

log = structlog.get_logger(__name__)


def tell_stopped(voice_id: str | UUID, reason: str) -> None:
    """Only after the fact is durable, and `recalls.note` of what must never sound again.

    Each of the two ways suffices: sessions obey the record, and the host stops on its own what it is synthesising.
    """
    voice_stopped.send(sender=tell_stopped, voice_id=str(voice_id), reason=reason)
    recalls.carry_out()
    log.info("voice_stopped", voice=str(voice_id), reason=reason)
