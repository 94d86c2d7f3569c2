"""How vLLM is started for a machine, and what its own figures come to in ours."""

from pathlib import Path

import msgspec
import pytest

from inference import config
from inference.choice import Placement
from inference.engine_settings import Vllm
from inference.host.chat.figures import ServerTotals, read_totals
from inference.host.chat.vllm import vllm_spec
from inference.host.metrics import Metrics

GB = 1024**3
CARD = Placement("vllm", "cuda:1", 10 * GB, session_bytes=GB // 4, sessions=3)
TOLD = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 2.0
vllm:num_requests_waiting{engine="0",model_name="m"} 1.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:prefix_cache_queries_total{engine="0",model_name="m"} 1000.0
vllm:prefix_cache_hits_total{engine="0",model_name="m"} 250.0
vllm:prefix_cache_hits_created{engine="0",model_name="m"} 1.795e+09
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.02",model_name="m"} 3.0
vllm:time_to_first_token_seconds_count{engine="0",model_name="m"} 4.0
vllm:time_to_first_token_seconds_sum{engine="0",model_name="m"} 0.8
"""


def arguments(placement: Placement, **settings: object) -> tuple[dict[str, str], tuple[str, ...]]:
    """The environment and the arguments, from AVATAR's settings."""
    own = msgspec.structs.replace(config.load(), max_sessions=5, **settings)
    spec = vllm_spec(own, placement, Path("/run/vllm.sock"))
    return dict(spec.env), spec.argv


def after(argv: tuple[str, ...], option: str) -> str:
    return argv[argv.index(option) + 1]


def test_on_a_gpu_it_takes_what_the_sessions_that_fit_need_and_no_more() -> None:
    env, argv = arguments(CARD)
    assert after(argv, "--kv-cache-memory-bytes") == str(3 * GB // 4)
    assert after(argv, "--max-num-seqs") == "8"
    assert (env["CUDA_DEVICE_ORDER"], env["CUDA_VISIBLE_DEVICES"]) == ("PCI_BUS_ID", "1")
    assert after(argv, "--model") == after(argv, "--served-model-name") == "Qwen/Qwen2.5-7B-Instruct-AWQ"
    assert "HF_HUB_OFFLINE" not in env
    assert "--enforce-eager" not in argv


def test_on_a_cpu_all_sessions_count_and_nothing_is_compiled() -> None:
    _, argv = arguments(msgspec.structs.replace(CARD, device="cpu", sessions=1))
    assert after(argv, "--kv-cache-memory-bytes") == str(5 * GB // 4)
    assert "--enforce-eager" in argv


def test_a_folder_is_served_offline_within_its_own_window_and_the_operators_arguments_come_last(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"max_position_embeddings": 1024}')
    env, argv = arguments(CARD, vllm=Vllm(model=str(tmp_path), args=("--tool-call-parser", "llama3_json")))
    assert env["HF_HUB_OFFLINE"] == "1"
    assert after(argv, "--served-model-name") == tmp_path.name
    assert after(argv, "--max-model-len") == "1024"
    assert argv[-2:] == ("--tool-call-parser", "llama3_json")


@pytest.mark.parametrize("text", ["", "llamacpp:requests 1\n", "<html>not found</html>"])
def test_other_servers_figures_are_none_of_vllm(text: str) -> None:
    assert read_totals(text) is None


def test_its_figures_are_of_the_time_since_the_last_look() -> None:
    totals = read_totals(TOLD)
    assert totals == ServerTotals(4, 0.8, 0.25, 2, 1, 1000, 250)
    since = totals.figures(ServerTotals(first_tokens=2, first_token_s=0.2, prefix_tokens=500, prefix_hits=200))
    assert (since.first_token_ms, since.prefix_hits, since.kv_cache) == (300.0, 0.1, 0.25)
    assert (since.running, since.waiting) == (2, 1)
    idle = totals.figures(totals)
    assert (idle.first_token_ms, idle.prefix_hits) == (None, None)
    started_anew = totals.figures(ServerTotals(first_tokens=90, first_token_s=9.0, prefix_tokens=9000))
    assert (started_anew.first_token_ms, started_anew.prefix_hits) == (200.0, 0.25)
    text = Metrics().text(totals.gauges())
    assert "avatar_vllm_first_token_seconds_sum 0.8\n" in text
    assert 'avatar_vllm_requests{state="running"} 2\n' in text
