"""Writing facts about voices; what they depend on is decided in the same transaction, by the writer's thread."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from django.conf import settings

from conversations.log import store
from conversations.log.audio import AudioStore
from conversations.log.eventlog import event_log
from conversations.log.facts import Fact, new_event
from conversations.log.keys import DataKey, KeyRing
from conversations.log.models import Purpose
from conversations.log.types import Appended, Metadata
from voices.access import Actor
from voices.events import stream_of

T = TypeVar("T")


def write(work: Callable[[], T]) -> T:
    """Runs ``work`` in the writer's transaction: what it reads holds until its facts are stored.

    Not from inside a transaction. Raises `conversations.log.errors.LogError`, and what ``work`` raises.
    """
    return event_log().write_now(work)


def append(stream: str, *facts: Fact, actor: Actor | str | None, about: str = "") -> Appended:
    """Appends facts, inside `write`. ``about``: the sample or consent under whose key personal fields are sealed.

    ``actor`` may be an opaque id alone, and is None for the system itself.
    """
    actor_id = actor if isinstance(actor, str) else str(actor.pk) if actor is not None else ""
    metadata = Metadata(actor=actor_id, correlation=about)
    return store.append(stream, store.ANY, [new_event(fact, metadata) for fact in facts])


def sound_key(voice_id: UUID, about: str) -> DataKey:
    """The key for the sound of a sample, consent or preview; made if there is none. Raises `KeyDestroyed`."""
    stream = stream_of(voice_id)

    def work() -> DataKey:
        ring = KeyRing.load(stream, [about])
        ring.stream_key(create=True)
        return ring.data_key(about, Purpose.SOUND, create=True)

    return write(work)


def sounds() -> AudioStore:
    return AudioStore(settings.DATA_DIR / "audio")
