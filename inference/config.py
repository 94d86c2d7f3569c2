"""Settings of the engine host and of those who call it, from the environment (`.env.example` documents each)."""

import functools
from pathlib import Path

import msgspec
from environs import Env

BASE_DIR = Path(__file__).resolve().parent.parent


class Config(msgspec.Struct, frozen=True):
    data_dir: Path
    models_dir: Path
    engine_url: str
    """``unix:/path/to.sock`` or ``http://host:port``."""
    max_sessions: int
    stt_model: str
    chat_model: str
    chat_url: str
    """An OpenAI-compatible server to use instead of the embedded chat model; empty for the embedded one."""
    chat_api_key: str
    chat_context_tokens: int
    tts_voice: str
    threads: int


@functools.cache
def load() -> Config:
    """Reads and checks the environment once; raises `environs.EnvError` naming the variable."""
    env = Env()
    env.read_env(str(BASE_DIR / ".env"), recurse=False)
    data_dir = env.path("AVATAR_DATA_DIR", BASE_DIR / "var")
    cache = env.path("XDG_CACHE_HOME", Path.home() / ".cache")
    return Config(
        data_dir=data_dir,
        models_dir=env.path("AVATAR_MODELS_DIR", cache / "avatar" / "models"),
        engine_url=env.str("AVATAR_ENGINE_URL", "") or f"unix:{data_dir / 'engine.sock'}",
        max_sessions=env.int("AVATAR_MAX_SESSIONS", 5),
        stt_model=env.str("AVATAR_STT_MODEL", "whisper-base"),
        chat_model=env.str("AVATAR_CHAT_MODEL", ""),
        chat_url=env.str("AVATAR_CHAT_URL", ""),
        chat_api_key=env.str("AVATAR_CHAT_API_KEY", ""),
        chat_context_tokens=env.int("AVATAR_CHAT_CONTEXT_TOKENS", 4096),
        tts_voice=env.str("AVATAR_TTS_VOICE", ""),
        threads=env.int("AVATAR_THREADS", 0),
    )
