"""Making a voice and naming it."""

from uuid import UUID, uuid4

from django.utils.translation import gettext_lazy as _

from voices import record
from voices.access import Actor, owned
from voices.errors import Invalid, TooMany
from voices.events import VoiceChanged, VoiceCreated, stream_of
from voices.languages import checked as checked_language
from voices.models import State, Voice, VoiceName

NAME_LENGTH = 80
VOICES_PER_PERSON = 20


def create(*, actor: Actor, name: str, language: str = "en") -> str:
    """Makes a profile without a sample; returns its id. Raises `Invalid`, `TooMany`."""
    name, language = checked_name(name), checked_language(language)
    voice_id = uuid4()

    def work() -> None:
        if Voice.objects.filter(owner__pk=actor.pk).exclude(state=State.DELETED).count() >= VOICES_PER_PERSON:
            raise TooMany(
                _("You have %(most)s voices: delete one that you do not need any more."), most=VOICES_PER_PERSON
            )
        record.append(stream_of(voice_id), VoiceCreated(owner=str(actor.pk), language=language), actor=actor)
        VoiceName.objects.create(voice_id=voice_id, name=name)

    record.write(work)
    return str(voice_id)


def rename(voice_id: str | UUID, name: str, *, actor: Actor) -> str:
    """Gives the actor's own voice another name; returns it. Raises `VoiceNotFound`, `Invalid`."""
    name = checked_name(name)

    def work() -> None:
        voice = owned(actor, voice_id)
        VoiceName.objects.update_or_create(voice_id=voice.id, defaults={"name": name})

    record.write(work)
    return name


def change_language(voice_id: str | UUID, language: str, *, actor: Actor) -> None:
    """What the actor's own voice is meant to speak. Raises `VoiceNotFound`, `Invalid`."""
    language = checked_language(language)

    def work() -> None:
        voice = owned(actor, voice_id)
        if voice.language != language:
            record.append(stream_of(voice.id), VoiceChanged(language=language), actor=actor)

    record.write(work)


def checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name.isprintable():
        raise Invalid(_("It has characters that cannot be seen or said: leave them out."), code="name")
    if not name or len(name) > NAME_LENGTH:
        raise Invalid(_("A voice needs a name of at most %(most)s characters."), code="name", most=NAME_LENGTH)
    return name
