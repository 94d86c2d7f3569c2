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
    "zf_xiaobei": -0.3, "zf_xiaoni": -2.4, "zf_xiaoxiao": -4.8, "zf_xiaoyi": -1.7,
    "zm_yunjian": 0.1, "zm_yunxi": 0.4, "zm_yunxia": 0.0, "zm_yunyang": 3.1,
    "af_alloy": -1.0, "af_aoede": -4.2, "af_bella": 0.2, "af_heart": 1.0, "af_jessica": 0.4, "af_kore": -3.0,
    "af_nicole": -0.9, "af_nova": 3.5, "af_river": -0.7, "af_sarah": -1.0, "af_sky": 1.5,
    "am_adam": -3.4, "am_echo": -0.9, "am_eric": -0.6, "am_fenrir": -2.7, "am_liam": 0.0, "am_michael": 1.6,
    "am_onyx": -1.0, "am_puck": -3.7, "am_santa": 0.9,
    "bf_alice": -1.0, "bf_emma": -1.5, "bf_isabella": -4.2, "bf_lily": -0.5,
    "bm_daniel": -0.5, "bm_fable": 0.4, "bm_george": -0.8, "bm_lewis": 0.7,
}  # fmt: skip


def _voice(name: str, gain_db: float) -> Voice:
    title = name[3:].capitalize()
    return Voice(VoiceInfo(id=name, name=title, engine="kokoro", languages=_LANGUAGES[name[0]]), gain_db)


VOICES = {name: _voice(name, gain_db) for name, gain_db in _GAINS_DB.items()}
"""By id; the first one of a language is its default."""
