"""Settings of the engine host and of those who call it, from the environment (`.env.example` documents each)."""

import functools
import os
from pathlib import Path

import msgspec

from inference import engine_settings
from inference.chinese_script import SCRIPTS, ChineseScript
from inference.engine_settings import F5, CosyVoice, Gate, SpeechServer, Vllm
from inference.env import BASE_DIR, ConfigurationError, Environment

EMBEDDED_CONTEXT_TOKENS = 2048


class Config(msgspec.Struct, frozen=True):
    data_dir: Path
    models_dir: Path
    engine_url: str
    """``unix:/path/to.sock`` or ``http://host:port``."""
    max_sessions: int
    stt_model: str
    chat_model: str
    """Names of the catalogue (with ``chat_url``: of that server); empty for the one chosen with ``models use``."""
    chat_url: str
    """An OpenAI-compatible server to use instead of the embedded chat model; empty for the embedded one."""
    chat_api_key: str
    chat_context_tokens: int
    """Window of one session, in tokens (prompt and answer); 0: 2048 embedded, what the server says when remote."""
    tts_voice: str
    threads: int
    """Cores that engines may use; 0 takes all there are."""
    engine_api_key: str = ""
    """What clients must show as a bearer token; needed when the host listens beyond this machine."""
    chat_max_tokens: int = 512
    """Longest answer when a request names no limit: a small model may never stop by itself."""
    chat_cache_mb: int = 32
    """Host memory for the prompts of slots that were given away."""
    chinese_script: ChineseScript = "traditional"
    """Of Chinese whose language tag tells none, such as what was detected."""
    chat_engine: str = "auto"
    """``auto``, ``embedded`` or ``vllm``; with ``chat_url`` ``auto`` is that server (`inference.choice` decides)."""
    fast_speech: SpeechServer = SpeechServer()
    """Clones voices while one talks."""
    fine_speech: SpeechServer = SpeechServer()
    """Clones them better and slower, loaded on demand."""
    engines_dir: Path = Path.home() / ".cache" / "avatar" / "engines"
    """Environments of the engines that have one of their own."""
    vllm: Vllm = Vllm()
    f5: F5 = F5()
    cosyvoice: CosyVoice = CosyVoice()
    gate: Gate = Gate()

    @property
    def cores(self) -> int:
        return self.threads or len(os.sched_getaffinity(0))

    @property
    def unix_socket(self) -> Path | None:
        """Where the engine host listens, when it is a Unix socket."""
        return Path(self.engine_url.removeprefix("unix:")) if self.engine_url.startswith("unix:") else None


@functools.cache
def load() -> Config:
    """Reads and checks the environment once; raises `inference.env.ConfigurationError` naming the variable."""
    env = Environment()
    data_dir = env.path("AVATAR_DATA_DIR", BASE_DIR / "var")
    cache = env.path("XDG_CACHE_HOME", Path.home() / ".cache")
    chat_url = env.url("AVATAR_CHAT_URL")
    chat_engine = env.choice("AVATAR_CHAT_ENGINE", "auto", ("auto", "embedded", "vllm"))
    if chat_url and chat_engine != "auto":
        raise ConfigurationError(
            f"AVATAR_CHAT_ENGINE is {chat_engine!r} and AVATAR_CHAT_URL names a server: only one of them can think. "
            "Unset the other."
        )
    return Config(
        data_dir=data_dir,
        models_dir=env.path("AVATAR_MODELS_DIR", cache / "avatar" / "models"),
        engine_url=env.url("AVATAR_ENGINE_URL", schemes=("unix", "http", "https"))
        or f"unix:{data_dir / 'engine.sock'}",
        max_sessions=env.whole("AVATAR_MAX_SESSIONS", 5, least=1, most=1000),
        stt_model=env.text("AVATAR_STT_MODEL"),
        chat_model=env.text("AVATAR_CHAT_MODEL"),
        chat_url=chat_url,
        chat_api_key=env.text("AVATAR_CHAT_API_KEY"),
        chat_context_tokens=env.whole("AVATAR_CHAT_CONTEXT_TOKENS", 0, most=1_048_576),
        tts_voice=env.text("AVATAR_TTS_VOICE"),
        threads=env.whole("AVATAR_THREADS", 0, most=1024),
        engine_api_key=env.text("AVATAR_ENGINE_API_KEY"),
        chat_max_tokens=env.whole("AVATAR_CHAT_MAX_TOKENS", 512, least=1, most=1_048_576),
        chat_cache_mb=env.whole("AVATAR_CHAT_CACHE_MB", 32, most=1_048_576),
        chinese_script=env.choice("AVATAR_CHINESE_SCRIPT", "traditional", SCRIPTS),
        chat_engine=chat_engine,
        fast_speech=engine_settings.fast_speech(env),
        fine_speech=engine_settings.fine_speech(env),
        engines_dir=env.path("AVATAR_ENGINES_DIR", cache / "avatar" / "engines"),
        vllm=engine_settings.vllm(env),
        f5=engine_settings.f5(env),
        cosyvoice=engine_settings.cosyvoice(env),
        gate=engine_settings.gate(env),
    )
