"""The engines that speak beside the embedded voices, as they were chosen for this machine (`inference.choice`)."""

from pathlib import Path

import msgspec

from inference.choice import CPU, Choice, Placement
from inference.config import Config
from inference.engine_settings import SpeechServer
from inference.host.changes import Changes
from inference.host.children.child import Child, Children
from inference.host.children.environment import Environment
from inference.host.children.place import folder_of
from inference.host.children.spec import Address, EngineSpec
from inference.host.metrics import Metrics
from inference.host.scheduler import Scheduler
from inference.host.speech.server import ServerSpeaker
from inference.host.speech.speaker import Speaker
from inference.host.speech.worker import WorkerSpeaker
from inference.machine import card_number
from inference.workers.cosyvoice.options import CosyVoiceOptions
from inference.workers.f5.options import F5Options

_F5_LANGUAGES = ("en", "zh")
_COSYVOICE_LANGUAGES = ("zh", "en", "ja", "ko", "de", "es", "fr", "it", "ru")
_AFTER_TIMEOUT_S = 5.0
"""The worker, which ends itself when it hangs, is given so much longer."""
_F5_TIMEOUT_S, _F5_TIMEOUT_ON_CPU_S = 15.0, 90.0
"""A sentence is made as a whole before its first sound: seconds on a GPU, longer than it lasts on a processor."""
_ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE", "TOKENIZERS_PARALLELISM": "false", "WANDB_MODE": "disabled"}


class SpeechEngines(msgspec.Struct, frozen=True):
    fast: Speaker | None = None
    fine: Speaker | None = None


class SpeechParts(msgspec.Struct, frozen=True):
    """What the engines are built into."""

    settings: Config
    changes: Changes
    scheduler: Scheduler
    children: Children
    metrics: Metrics

    def worker(self, spec: EngineSpec, languages: tuple[str, ...], *, silence_s: float) -> WorkerSpeaker:
        child = self.children.add(Child(spec, self.changes, log_dir=folder_of(self.settings)))
        cores = max(1, self.settings.cores // 2) if spec.device == CPU else 0
        return WorkerSpeaker(child, languages, self.scheduler, self.metrics, silence_s=silence_s, cores=cores)

    def server(self, server: SpeechServer, variable: str) -> ServerSpeaker:
        return ServerSpeaker(server, self.changes, variable=variable)


def build_speech(parts: SpeechParts, choice: Choice) -> SpeechEngines:
    """Children are added to the host's, which runs them."""
    return SpeechEngines(fast=_fast(parts, choice), fine=_fine(parts, choice))


def _fast(parts: SpeechParts, choice: Choice) -> Speaker | None:
    if choice.fast == "url":
        return parts.server(parts.settings.fast_speech, "AVATAR_FAST_SPEECH")
    placement = choice.placement("f5")
    if choice.fast != "f5" or placement is None:
        return None
    silence_s = _f5_timeout_s(placement) + _AFTER_TIMEOUT_S
    return parts.worker(f5_spec(parts.settings, placement), _F5_LANGUAGES, silence_s=silence_s)


def _fine(parts: SpeechParts, choice: Choice) -> Speaker | None:
    if choice.fine in {"url", "vllm-omni"}:
        return parts.server(parts.settings.fine_speech, "AVATAR_FINE_SPEECH")
    placement = choice.placement("cosyvoice")
    if choice.fine != "cosyvoice" or placement is None:
        return None
    spec = cosyvoice_spec(parts.settings, placement)
    silence_s = parts.settings.cosyvoice.timeout_s + _AFTER_TIMEOUT_S
    return parts.worker(spec, _COSYVOICE_LANGUAGES, silence_s=silence_s)


def f5_spec(settings: Config, placement: Placement) -> EngineSpec:
    """How the F5 worker is started."""
    f5 = settings.f5
    socket = folder_of(settings) / "f5.sock"
    options = F5Options(
        socket=str(socket),
        model=f5.model,
        checkpoint=_path(f5.checkpoint),
        vocabulary=_path(f5.vocabulary),
        vocoder=_path(f5.vocoder),
        nfe_step=f5.nfe_step,
        timeout_s=_f5_timeout_s(placement),
        device=torch_device(placement),
        threads=max(1, settings.cores // 2),
    )
    offline = {"HF_HUB_OFFLINE": "1"} if f5.checkpoint and f5.vocoder else {}
    return EngineSpec(
        name="f5",
        kind="tts",
        model=Path(f5.model).stem,
        environment=Environment("f5-cpu" if placement.device == CPU else "f5"),
        argv=("-m", "inference.workers.f5", msgspec.json.encode(options).decode()),
        address=Address(socket=socket),
        env={**_ENVIRONMENT, **gpu_environment(placement), **offline},
        memory_bytes=placement.memory_bytes,
        device=placement.device,
        languages=_F5_LANGUAGES,
    )


def cosyvoice_spec(settings: Config, placement: Placement) -> EngineSpec:
    """How the CosyVoice worker is started, in the operator's checkout and environment, when somebody wants it."""
    cosy = settings.cosyvoice
    assert cosy.checkout is not None
    checkout = cosy.checkout.expanduser().resolve()
    model = Path(cosy.model).expanduser() if cosy.model else checkout / "pretrained_models" / "Fun-CosyVoice3-0.5B"
    socket = folder_of(settings) / "cosyvoice.sock"
    options = CosyVoiceOptions(
        socket=str(socket),
        checkout=str(checkout),
        model=str(model),
        timeout_s=cosy.timeout_s,
        half=placement.device != CPU,
    )
    return EngineSpec(
        name="cosyvoice",
        kind="tts",
        model=model.name,
        environment=None,
        python=cosy.python or str(checkout / ".venv" / "bin" / "python"),
        argv=("-m", "inference.workers.cosyvoice", msgspec.json.encode(options).decode()),
        address=Address(socket=socket),
        env={**_ENVIRONMENT, **gpu_environment(placement)},
        memory_bytes=placement.memory_bytes,
        device=placement.device,
        languages=_COSYVOICE_LANGUAGES,
        on_demand=placement.on_demand,
    )


def gpu_environment(placement: Placement) -> dict[str, str]:
    """Shows the process its own GPU only."""
    if placement.device == CPU:
        return {"CUDA_VISIBLE_DEVICES": ""}
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": card_number(placement.device)}


def torch_device(placement: Placement) -> str:
    """The GPU that `gpu_environment` leaves is the process' first."""
    return CPU if placement.device == CPU else "cuda:0"


def _f5_timeout_s(placement: Placement) -> float:
    return _F5_TIMEOUT_ON_CPU_S if placement.device == CPU else _F5_TIMEOUT_S


def _path(value: str) -> str:
    return str(Path(value).expanduser()) if value else ""
