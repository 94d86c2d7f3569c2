"""Listening to another's voice leaves a fact."""

from typing import Literal
from uuid import UUID

from common.reasons import checked
from voices import record
from voices.access import Actor, permitted
from voices.events import VoiceHeard, stream_of


def note_listening(
    voice_id: str | UUID, *, actor: Actor, reason: str, what: Literal["sample", "consent"] = "sample"
) -> None:
    """Writes down that a manager is about to hear somebody's sample or consent: durable before the first sound.

    Raises `NotAllowed`, `VoiceNotFound`, `Invalid`.
    """
    fact = VoiceHeard(what=what, reason=checked(reason))

    def work() -> None:
        record.append(stream_of(permitted(actor, voice_id, "listen_voice").id), fact, actor=actor)

    record.write(work)
