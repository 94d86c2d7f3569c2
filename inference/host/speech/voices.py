"""Which voice speaks: the one asked for if it speaks the language, else one that does."""

from inference.errors import EngineRefused, EngineUnavailable
from inference.types import VoiceInfo


def pick(voices: tuple[VoiceInfo, ...], voice: str, language: str) -> VoiceInfo:
    """Raises `EngineUnavailable` when there is no voice, `EngineRefused` when none speaks the language."""
    if not voices:
        raise EngineUnavailable("No voice is ready.")
    named = next((item for item in voices if item.id == voice), None)
    if not language:
        return named or voices[0]
    if named and _speaks(named, language):
        return named
    fitting = [item for item in voices if _speaks(item, language)]
    if not fitting:
        raise EngineRefused(f"No voice here speaks {language}. `manage.py models list` shows which models would.")
    exact = [item for item in fitting if language in item.languages]
    return (exact or fitting)[0]


def why_another(voices: tuple[VoiceInfo, ...], asked: str, chosen: VoiceInfo, *, complete: bool) -> str:
    """Why `pick` gave another voice than the one asked for, as a code; empty when it did not.

    ``complete``: every engine that brings voices along is there now.
    """
    if not asked or chosen.id == asked:
        return ""
    if any(voice.id == asked for voice in voices):
        return "language_not_spoken"
    return "voice_unknown" if complete else "voice_not_ready"


def _speaks(voice: VoiceInfo, language: str) -> bool:
    primary = language.partition("-")[0].lower()
    return any(tag.partition("-")[0].lower() == primary for tag in voice.languages)
