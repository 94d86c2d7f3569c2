"""What people think of a voice."""

from uuid import UUID

from django.utils.translation import gettext_lazy as _

from voices import presets, record
from voices.access import Actor, reachable
from voices.errors import Invalid, VoiceNotFound
from voices.events import PresetNamed, VoiceRated, stream_of
from voices.models import Voice

LOWEST, HIGHEST = 1, 10


def rate(voice_id: str | UUID, score: int, *, actor: Actor) -> None:
    """The actor's rating of a voice they may use, 1 to 10; their latest counts. Raises `VoiceNotFound`, `Invalid`.

    A preset may be named by its UUID (`presets.id_of`) or by its engine's name.
    """
    if isinstance(score, bool) or not LOWEST <= score <= HIGHEST:
        raise Invalid(
            _("A rating is a whole number from %(least)s to %(most)s."), code="score", least=LOWEST, most=HIGHEST
        )
    preset = presets.find(voice_id)

    def work() -> None:
        if preset is None:
            stream = stream_of(reachable(actor, voice_id).id)
            record.append(stream, VoiceRated(score=score), actor=actor)
            return
        key = presets.id_of(preset.id)
        if not Voice.objects.filter(id=key).exists():
            named = PresetNamed(preset=preset.id, language=next(iter(preset.languages), ""))
            record.append(stream_of(key), named, actor=None)
        record.append(stream_of(key), VoiceRated(score=score), actor=actor)

    try:
        record.write(work)
    except ValueError:
        raise VoiceNotFound from None
