"""What speech servers say of their models and voices: OpenAI's lists, vllm-omni's names, AVATAR's objects."""

import msgspec

from inference.types import VoiceInfo

_MOST_VOICES = 500
_LONGEST_NAME = 100
_UNTOLD_LANGUAGES = ("en", "zh")


class _Model(msgspec.Struct):
    id: str


class Models(msgspec.Struct):
    """``GET /v1/models``."""

    data: list[_Model] = []


class _Voice(msgspec.Struct):
    id: str = ""
    name: str = ""
    language: str = ""
    languages: list[str] = []
    cloned: bool = False
    """Another AVATAR's word for a person's voice that the key's owner may use: nobody else here may."""


class Voices(msgspec.Struct):
    """``GET /v1/audio/voices``: ``{"voices": ["vivian", ...]}`` or ``{"voices"|"data": [{"id", "name", ...}]}``."""

    voices: list[str | _Voice] = []
    data: list[str | _Voice] = []
    uploaded_voices: list[_Voice] = []
    """vLLM-Omni's: clones of whoever somebody has given it, among its ``voices`` too."""


def voices_of(told: Voices | None, model: str, engine: str) -> tuple[VoiceInfo, ...]:
    """The server's voices; one that says no language is taken to speak those of AVATAR's pages.

    Without those of people: nobody here knows of their owners' consent, and those uploaded to vLLM-Omni are unmarked.
    """
    found: list[VoiceInfo] = []
    uploaded = {voice.name or voice.id for voice in told.uploaded_voices} if told else set()
    for item in (told.voices or told.data)[:_MOST_VOICES] if told else ():
        voice = _Voice(id=item, name=item) if isinstance(item, str) else item
        voice_id = voice.id or voice.name
        if voice_id and not voice.cloned and len(voice_id) <= _LONGEST_NAME and voice_id not in uploaded:
            languages = tuple(voice.languages) or ((voice.language,) if voice.language else _UNTOLD_LANGUAGES)
            name = voice.name or voice_id
            found.append(VoiceInfo(id=voice_id, name=name, engine=model or engine, languages=languages))
    return tuple(found)
