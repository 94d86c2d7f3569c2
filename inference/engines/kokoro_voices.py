"""Kokoro's voices for Mandarin and English: names, and what brings each to the common loudness."""

from typing import NamedTuple

from inference.types import VoiceInfo


class Voice(NamedTuple):
    info: VoiceInfo
    gain_db: float
    """`inference.speech.sound.TARGET_RMS_DB` less its measured loudness."""


_LANGUAGES = {
    "z": ("zh", "zh-TW", "zh-CN"),
    "a": ("en", "en-US"),
    "b": ("en", "en-GB"),
}
_GAINS_DB = {
    "zf_xiaobei": 0.0, "zf_xiaoni": 0.0, "zf_xiaoxiao": 0.0, "zf_xiaoyi": 0.0,
    "zm_yunjian": 0.0, "zm_yunxi": 0.0, "zm_yunxia": 0.0, "zm_yunyang": 0.0,
    "af_alloy": 0.0, "af_aoede": 0.0, "af_bella": 0.0, "af_heart": 0.0, "af_jessica": 0.0, "af_kore": 0.0,
    "af_nicole": 0.0, "af_nova": 0.0, "af_river": 0.0, "af_sarah": 0.0, "af_sky": 0.0,
    "am_adam": 0.0, "am_echo": 0.0, "am_eric": 0.0, "am_fenrir": 0.0, "am_liam": 0.0, "am_michael": 0.0,
    "am_onyx": 0.0, "am_puck": 0.0, "am_santa": 0.0,
    "bf_alice": 0.0, "bf_emma": 0.0, "bf_isabella": 0.0, "bf_lily": 0.0,
    "bm_daniel": 0.0, "bm_fable": 0.0, "bm_george": 0.0, "bm_lewis": 0.0,
}  # fmt: skip


def _voice(name: str, gain_db: float) -> Voice:
    title = name[3:].capitalize()
    return Voice(VoiceInfo(id=name, name=title, engine="kokoro", languages=_LANGUAGES[name[0]]), gain_db)


VOICES = {name: _voice(name, gain_db) for name, gain_db in _GAINS_DB.items()}
"""By id; the first one of a language is its default."""
