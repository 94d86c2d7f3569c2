"""What a session is set to, and how `session.update` changes it: only what is named, at any time, all or nothing."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from conversations.realtime.protocol.decode import invalid
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.settings import SessionSettings
from inference.types import HostStatus, VoiceInfo

FIXED = frozenset({"id", "object", "expires_at"})
REPLACED = frozenset({"tools", "tool_choice", "parameters", "truncation", "tracing"})
"""Given whole: their parts are not merged into what was there."""


class Offer(msgspec.Struct, frozen=True):
    """What the engine host has: names to choose from. Empty until the host has answered."""

    chat_models: tuple[str, ...] = ()
    voices: tuple[VoiceInfo, ...] = ()
    context_tokens: int = 0
    default_voice: str = ""
    clones: bool = True
    """Whether the host can speak in a person's voice; taken for granted until it has answered."""

    @classmethod
    def of(cls, status: HostStatus, default_voice: str = "") -> "Offer":
        models = tuple(engine.model for engine in status.engines if engine.kind == "chat" and engine.model)
        return cls(models, status.voices, status.context_tokens, default_voice, bool(status.cloning))

    def model(self, wanted: str) -> str:
        """The model by that name, or the default."""
        if wanted in self.chat_models:
            return wanted
        return self.chat_models[0] if self.chat_models else ""

    def can_speak(self, language: str) -> bool:
        """Whether any voice has that language; unknown until the host has answered."""
        return not self.voices or any(speaks(voice, language) for voice in self.voices)

    def voice(self, wanted: str, language: str = "") -> str:
        """The voice by that name if it speaks the language, else one that does, else the nearest there is."""
        by_id = {voice.id: voice for voice in self.voices}
        preferred = [by_id[name] for name in (wanted, self.default_voice) if name in by_id]
        for voice in (*preferred, *self.voices):
            if speaks(voice, language):
                return voice.id
        if preferred:
            return preferred[0].id
        return self.voices[0].id if self.voices else wanted

    def resolve(self, settings: SessionSettings) -> SessionSettings:
        """The settings with the model and voice that will really be used."""
        language = settings.audio.input.transcription.language if settings.audio.input.transcription else None
        output = replace(settings.audio.output, voice=self.voice(settings.audio.output.voice, language or ""))
        audio = replace(settings.audio, output=output)
        return replace(settings, model=self.model(settings.model) or settings.model, audio=audio)


def speaks(voice: VoiceInfo, language: str) -> bool:
    """Whether the voice has that language; regions are not told apart (zh-TW is zh)."""
    primary = language.partition("-")[0].lower()
    spoken = {tag.partition("-")[0].lower() for tag in voice.languages}
    return not primary or not spoken or primary in spoken


def updated(current: SessionSettings, patch: Mapping[str, Any]) -> SessionSettings:
    """The settings with the patch applied; raises `ProtocolError` naming the first value that will not do."""
    if patch.get("type", "realtime") != "realtime":
        raise ProtocolError("invalid_value", "Only sessions of type `realtime` are held here.", "session.type")
    changes = {key: value for key, value in patch.items() if key not in FIXED and key != "type"}
    _voice_by_name(changes)
    merged = _merge(msgspec.to_builtins(current), changes)
    try:
        return msgspec.convert(merged, SessionSettings)
    except msgspec.ValidationError as error:
        raise invalid(str(error), prefix="session.") from None


def _voice_by_name(changes: dict[str, Any]) -> None:
    """A voice may be given as ``{"id": ...}``; null leaves the default."""
    audio = changes.get("audio")
    output = audio.get("output") if isinstance(audio, dict) else None
    if not isinstance(output, dict) or "voice" not in output:
        return
    voice = output["voice"]
    if voice is None or isinstance(voice, dict):
        name = (voice or {}).get("id", "")
        changes["audio"] = {**audio, "output": {**output, "voice": name}} if isinstance(audio, dict) else audio


def _merge(base: dict[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in patch.items():
        old = merged.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and key not in REPLACED and _same_kind(old, value):
            merged[key] = _merge(old, value)
        elif value is None and key in _RESET:
            merged[key] = _RESET[key]
        else:
            merged[key] = value
    return merged


_RESET: dict[str, Any] = {
    "instructions": "",
    "tools": [],
    "tool_choice": "auto",
    "max_output_tokens": "inf",
    "model": "",
    "avatar": {},
}
"""Null means the default for these; for the others null is a value of its own (turn detection off)."""


def _same_kind(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Server VAD does not inherit from semantic VAD."""
    return "type" not in new or old.get("type") == new["type"]
