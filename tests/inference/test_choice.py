"""Which engine is used for what: as the settings say, else by what the machine has room for; with the reason."""

from pathlib import Path

import msgspec
import pytest

from inference import config
from inference.choice import Choice, choose
from inference.config import Config
from inference.engine_settings import CosyVoice, Gate, SpeechServer, Vllm
from inference.env import ConfigurationError
from inference.machine import Gpu, Machine, Memory

GB = 1024**3
LAPTOP = Machine(cores=2, memory=Memory(16 * GB, 4 * GB))


def with_gpus(*sizes: float, used: float = 0.3) -> Machine:
    cards = (Gpu(place, "Card", Memory(int(size * GB), int(used * GB))) for place, size in enumerate(sizes))
    return msgspec.structs.replace(LAPTOP, gpus=tuple(cards))


def settings(**changes: object) -> Config:
    plain = {"chat_url": "", "chat_engine": "auto", "max_sessions": 5}
    return msgspec.structs.replace(config.load(), **(plain | changes))


def names(choice: Choice) -> tuple[str, str, str]:
    return choice.chat, choice.fast, choice.fine


def because(choice: Choice, use: str) -> str:
    return next(why.because for why in choice.why if why.use == use)


def test_without_a_gpu_everything_is_embedded_and_it_says_why() -> None:
    choice = choose(settings(), LAPTOP)
    assert names(choice) == ("embedded", "none", "none")
    assert choice.placements == ()
    assert because(choice, "chat") == "There is no GPU."
    assert because(choice, "fine speech") == "AVATAR_COSYVOICE_DIR names no checkout."


def test_a_card_of_24_gb_has_room_for_all_three() -> None:
    choice = choose(settings(cosyvoice=CosyVoice(checkout=Path("/opt/CosyVoice"))), with_gpus(24))
    assert names(choice) == ("vllm", "f5", "cosyvoice")
    assert choice.devices == {"vllm": "cuda:0", "f5": "cuda:0", "cosyvoice": "cuda:0"}
    vllm = choice.placement("vllm")
    assert vllm is not None
    assert vllm.sessions == 5
    assert vllm.reserved_bytes == (10_691 + 5 * 224) * 1024**2


def test_a_card_that_is_too_small_or_taken_is_left_alone() -> None:
    assert names(choose(settings(), with_gpus(8))) == ("embedded", "f5", "none")
    taken = choose(settings(), with_gpus(24, used=21.5))
    assert names(taken) == ("embedded", "none", "none")
    assert because(taken, "chat") == "No GPU has 10.7 GB left below the ceiling (cuda:0: 0.1 GB)."


def test_engines_go_where_there_is_room() -> None:
    cosy = CosyVoice(checkout=Path("/opt/CosyVoice"))
    choice = choose(settings(cosyvoice=cosy), with_gpus(8, 16))
    assert choice.devices == {"vllm": "cuda:1", "f5": "cuda:0", "cosyvoice": "cuda:0"}


def test_as_many_sessions_as_fit_beside_fast_speech() -> None:
    choice = choose(settings(max_sessions=60), with_gpus(24))
    vllm = choice.placement("vllm")
    assert vllm is not None
    assert vllm.sessions == (int(24 * GB * 0.9) - int(0.3 * GB) - (10_691 + 696) * 1024**2) // (224 * 1024**2)
    assert choice.fast == "f5"
    assert any(f"AVATAR_MAX_SESSIONS={vllm.sessions}" in why.to_change for why in choice.why)


def test_what_is_kept_for_others_is_not_given_away() -> None:
    assert choose(settings(gate=Gate(others_mb=11 * 1024)), with_gpus(24)).chat == "embedded"
    assert choose(settings(gate=Gate(ceiling=0.4)), with_gpus(24)).chat == "embedded"


def test_settings_go_before_the_machine() -> None:
    choice = choose(settings(chat_engine="vllm", fast_speech=SpeechServer("f5")), LAPTOP)
    assert choice.devices == {"vllm": "cpu", "f5": "cpu"}
    off = settings(chat_engine="embedded", fast_speech=SpeechServer("off"), fine_speech=SpeechServer("off"))
    assert names(choose(off, with_gpus(80))) == ("embedded", "none", "none")
    small = settings(vllm=Vllm(model="small", memory_mb=2000))
    assert choose(small, with_gpus(8)).chat == "vllm"


def test_servers_are_used_by_their_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATAR_FAST_SPEECH", "https://speech.example/v1")
    monkeypatch.setenv("AVATAR_FINE_SPEECH", "vllm-omni+http://127.0.0.1:8091/v1")
    loaded = config.load.__wrapped__()
    assert (loaded.fast_speech.url, loaded.fine_speech.url) == (
        "https://speech.example/v1",
        "http://127.0.0.1:8091/v1",
    )
    choice = choose(msgspec.structs.replace(loaded, chat_url="http://127.0.0.1:8000/v1"), with_gpus(80))
    assert names(choice) == ("url", "url", "vllm-omni")
    assert choice.placements == ()


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"AVATAR_FINE_SPEECH": "cosyvoice"}, "AVATAR_COSYVOICE_DIR must name its checkout"),
        ({"AVATAR_CHAT_ENGINE": "vllm", "AVATAR_CHAT_URL": "http://localhost:1/v1"}, "Unset the other"),
        ({"AVATAR_VLLM_ARGS": "--name 'open"}, "AVATAR_VLLM_ARGS must be arguments as a shell takes them"),
        ({"AVATAR_FAST_SPEECH": "http://"}, "AVATAR_FAST_SPEECH must be one of auto, off, f5, or an address"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    variables: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=says):
        config.load.__wrapped__()
