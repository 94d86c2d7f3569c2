"""The doctor says what the machine has, what would be used and why, what runs, and what to do."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from inference import config, doctor
from inference.config import Config
from inference.engine_settings import F5, CosyVoice, Gate, SpeechServer
from inference.env import BASE_DIR
from inference.machine import Machine, Memory
from inference.types import DeviceMemory, EngineMemory, EngineStatus, HostStatus, MemoryStatus
from tests.inference.fake_machine import GB, FakeMachine
from tests.inference.served import served


def settings(**changes: object) -> Config:
    return msgspec.structs.replace(config.load(), **({"chat_url": "", "chat_engine": "auto"} | changes))


def said(settings: Config, machine: Machine, host: doctor.Running | None = None) -> str:
    return "\n".join(doctor.report(settings, machine, host))


def test_a_laptop() -> None:
    words = said(settings(), FakeMachine(total_gb=16, used_gb=4)())
    assert "memory      16.0 GB, 4.0 GB in use, 10.4 GB left below the ceiling" in words
    assert "GPU         none" in words
    assert "chat: embedded (llama.cpp)\n      There is no GPU." in words
    assert "queue       none: who does not fit is refused at once (AVATAR_QUEUE_PLACES)" in words
    assert "none answers at" in words
    assert "  watermark on cpu, 0.5 GB, only to look at a recording; its environment is" in words


def test_engines_are_called_by_engine_and_model_and_the_watermark_is_none_too_many(tmp_path: Path) -> None:
    mine = settings(
        engines_dir=tmp_path,
        fast_speech=SpeechServer(engine="f5"),
        f5=F5(model="/models/tiny.yaml"),
        cosyvoice=CosyVoice(),
    )
    words = said(mine, FakeMachine(total_gb=16)())
    assert (
        "  f5 (tiny) on cpu, 0.7 GB; its environment is made on first use (manage.py engines prepare f5-cpu)" in words
    )
    marks = "watermark on cpu, 0.5 GB, marks cloned speech; its environment is made on first use"
    assert f"  {marks} (manage.py engines prepare watermark)" in words


def test_a_machine_with_a_card(tmp_path: Path) -> None:
    mine = settings(
        cosyvoice=CosyVoice(checkout=tmp_path), engines_dir=tmp_path, max_sessions=60, gate=Gate(queue_places=4)
    )
    words = said(mine, FakeMachine(gpus=(24,))())
    assert "cuda:0      Card: 24.0 GB, 0.0 GB in use, 21.6 GB left below the ceiling" in words
    assert "chat: vllm (Qwen/Qwen2.5-7B-Instruct-AWQ) on cuda:0" in words
    assert "AVATAR_MAX_SESSIONS=47" in words
    assert "vLLM has room for 47 of them" in words
    assert "4 may wait, 300 s at most" in words


def test_memory_that_lacks_is_named_with_what_to_do() -> None:
    words = said(settings(), FakeMachine(total_gb=4, used_gb=3)())
    assert "To do\n" in words
    assert "Only 0.6 GB of memory are left below the ceiling" in words
    missing = said(settings(chat_url="http://127.0.0.1:1/v1"), FakeMachine()())
    assert "To do" not in missing or "models pull" in missing


def test_what_our_own_host_uses_does_not_count_against_its_next_start() -> None:
    machine = FakeMachine(gpus=(24,))
    machine.gpu_used = [13 * GB]
    ours = EngineMemory("vllm", "qwen", "chat", "core", "cuda:0", "loaded", 10 * GB, 0, 10 * GB, 12 * GB)
    device = DeviceMemory("cuda:0", 24 * GB, int(21.6 * GB), 13 * GB, 0, GB, GB, 5 * GB)
    engine = EngineStatus(kind="chat", model="qwen", state="loading", detail="Loading qwen.")
    host = doctor.Running(
        HostStatus(ready=False, engines=(engine,), max_sessions=5),
        MemoryStatus((device,), (ours,), service="no_fine", service_reason="cuda:0: 21.0 of 21.6 GB."),
    )
    assert "chat: embedded" in said(settings(), machine())
    words = said(settings(), machine(), host)
    assert "chat: vllm" in words
    assert "qwen: loading; Loading qwen." in words
    assert "cuda:0: 13.0 GB of 21.6 GB used, 0.0 GB promised, other programs 1.0 GB" in words
    assert "Service is reduced (no_fine): cuda:0: 21.0 of 21.6 GB." in words


async def test_it_asks_a_host_that_runs() -> None:
    async with served() as host:
        memory = await host.client.memory()
        own = msgspec.structs.replace(config.load(), engine_url=host.client.url)
        words = "\n".join(
            doctor.report(own, Machine(2, Memory(64 * GB, 4 * GB)), doctor.Running(await host.client.status(), memory))
        )
    assert "fake-tts: ready" in words
    assert doctor.without_ours(Machine(2, Memory(64 * GB, 4 * GB)), memory).memory.used < 4 * GB


@pytest.mark.parametrize(("variable", "shown"), [("AVATAR_MEMORY_CEILING", "ceiling     50% of each device")])
def test_the_command(variable: str, shown: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=BASE_DIR,
        env=os.environ | {variable: "50"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
