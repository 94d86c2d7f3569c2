"""Settings of engines that run in processes of their own, and of the memory gate (`.env.example` documents each)."""

import shlex
from pathlib import Path

import msgspec

from inference.env import ConfigurationError, Environment

MB = 1024**2
OMNI = "vllm-omni+"
"""Before a speech server's URL: it is vllm-omni, which clones (``ref_audio``, ``ref_text``)."""


class SpeechServer(msgspec.Struct, frozen=True):
    """What speaks fast, or fine."""

    engine: str = "auto"
    """``auto``, ``off``, an engine's name, or ``url``."""
    url: str = ""
    """Of an OpenAI-compatible speech server (``url``)."""
    omni: bool = False
    """The server at ``url`` is vllm-omni."""
    model: str = ""
    """The name that server knows its model by; empty: its first."""
    api_key: str = ""


class Vllm(msgspec.Struct, frozen=True):
    model: str = "Qwen/Qwen2.5-7B-Instruct-AWQ"
    """A hub repository or a folder."""
    args: tuple[str, ...] = ()
    """More arguments for its server."""
    memory_mb: int = 10_691
    """Weights, graphs and working memory, without any conversation (10.44 GB for the default model)."""
    session_mb: int = 224
    """One conversation's keys and values (4,096 tokens of the default model, 56 KB each)."""


class F5(msgspec.Struct, frozen=True):
    model: str = "F5TTS_v1_Base"
    """A configuration that comes with f5-tts, or a YAML file."""
    checkpoint: str = ""
    """A .safetensors file; empty: the model's own, from the hub."""
    vocabulary: str = ""
    vocoder: str = ""
    """Vocos' folder; empty: from the hub."""
    nfe_step: int = 16
    """Steps of the flow; more sound better and take longer."""
    memory_mb: int = 696


class CosyVoice(msgspec.Struct, frozen=True):
    checkout: Path | None = None
    """The operator's checkout of CosyVoice, with its submodules."""
    model: str = ""
    """The weights' folder; empty: ``pretrained_models/Fun-CosyVoice3-0.5B`` in the checkout."""
    python: str = ""
    """The interpreter of an environment with CosyVoice's requirements; empty: ``.venv/bin/python`` in the checkout."""
    timeout_s: int = 60
    memory_mb: int = 4_096


class Gate(msgspec.Struct, frozen=True):
    """What the memory gate may use, and what happens to whom does not fit."""

    ceiling: float = 0.90
    """Of each device's memory, whoever uses it."""
    others_mb: int = 0
    """Kept free below the ceiling of each GPU for other programs."""
    queue_places: int = 0
    """Sessions that may wait for a place; 0: who does not fit is refused."""
    queue_wait_s: int = 300
    """The longest that one waits."""


def _speech(env: Environment, name: str, engines: tuple[str, ...]) -> SpeechServer:
    value = env.choice_or_url(name, "auto", ("auto", "off", *engines), ("http", "https", f"{OMNI}http", f"{OMNI}https"))
    omni = value.startswith(OMNI)
    url = value.removeprefix(OMNI) if "://" in value else ""
    return SpeechServer(
        engine="url" if url else value,
        url=url,
        omni=omni,
        model=env.text(f"{name}_MODEL"),
        api_key=env.text(f"{name}_API_KEY"),
    )


def fast_speech(env: Environment) -> SpeechServer:
    """AVATAR_FAST_SPEECH, AVATAR_FAST_SPEECH_MODEL, AVATAR_FAST_SPEECH_API_KEY."""
    return _speech(env, "AVATAR_FAST_SPEECH", ("f5",))


def fine_speech(env: Environment) -> SpeechServer:
    """AVATAR_FINE_SPEECH, AVATAR_FINE_SPEECH_MODEL, AVATAR_FINE_SPEECH_API_KEY."""
    server = _speech(env, "AVATAR_FINE_SPEECH", ("cosyvoice",))
    if server.engine == "cosyvoice" and not env.text("AVATAR_COSYVOICE_DIR"):
        raise ConfigurationError("AVATAR_FINE_SPEECH is 'cosyvoice': AVATAR_COSYVOICE_DIR must name its checkout.")
    return server


def vllm(env: Environment) -> Vllm:
    usual = Vllm()
    try:
        args = tuple(shlex.split(env.text("AVATAR_VLLM_ARGS")))
    except ValueError as error:
        raise ConfigurationError(f"AVATAR_VLLM_ARGS must be arguments as a shell takes them: {error}.") from None
    return Vllm(
        model=env.text("AVATAR_VLLM_MODEL", usual.model),
        args=args,
        memory_mb=env.whole("AVATAR_VLLM_MEMORY_MB", usual.memory_mb, least=1),
        session_mb=env.whole("AVATAR_VLLM_SESSION_MB", usual.session_mb, least=1),
    )


def f5(env: Environment) -> F5:
    usual = F5()
    return F5(
        model=env.text("AVATAR_F5_MODEL", usual.model),
        checkpoint=env.text("AVATAR_F5_CHECKPOINT"),
        vocabulary=env.text("AVATAR_F5_VOCABULARY"),
        vocoder=env.text("AVATAR_F5_VOCODER"),
        nfe_step=env.whole("AVATAR_F5_NFE_STEP", usual.nfe_step, least=1, most=128),
        memory_mb=env.whole("AVATAR_F5_MEMORY_MB", usual.memory_mb, least=1),
    )


def cosyvoice(env: Environment) -> CosyVoice:
    usual = CosyVoice()
    folder = env.path("AVATAR_COSYVOICE_DIR", Path()) if env.text("AVATAR_COSYVOICE_DIR") else None
    return CosyVoice(
        checkout=folder,
        model=env.text("AVATAR_COSYVOICE_MODEL"),
        python=env.text("AVATAR_COSYVOICE_PYTHON"),
        timeout_s=env.whole("AVATAR_COSYVOICE_TIMEOUT_S", usual.timeout_s, least=1, most=600),
        memory_mb=env.whole("AVATAR_COSYVOICE_MEMORY_MB", usual.memory_mb, least=1),
    )


def gate(env: Environment) -> Gate:
    usual = Gate()
    return Gate(
        ceiling=env.whole("AVATAR_MEMORY_CEILING", 90, least=10, most=99) / 100,
        others_mb=env.whole("AVATAR_MEMORY_OTHERS_MB", usual.others_mb),
        queue_places=env.whole("AVATAR_QUEUE_PLACES", usual.queue_places, most=1000),
        queue_wait_s=env.whole("AVATAR_QUEUE_WAIT_S", usual.queue_wait_s, least=1, most=3600),
    )
