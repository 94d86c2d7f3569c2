"""`manage.py engines`: what there is, what it said, and clear words for what there is not."""

from pathlib import Path

import pytest
from django.core.management import call_command

from inference import config
from inference.host.children.cli import table
from inference.host.children.environment import Environment, names, set_for
from inference.host.children.output import Output
from inference.host.children.place import folder_of
from inference.types import EngineStatus


def test_every_set_is_listed_and_pinned_and_says_its_room(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("engines", "list")
    told = capsys.readouterr().out
    assert {"vllm", "vllm-cpu"} <= set(names())
    for name in names():
        assert f"\n{name} " in f"\n{told}"
        environment = Environment(name)
        lines = environment.requirements.read_text().split()
        assert all("==" in line for line in lines), name
        assert environment.room_mb > 100
    assert "No engine host runs here." in told


def test_columns_are_as_wide_as_what_stands_in_them() -> None:
    long_name = "vllm (Qwen/Qwen2.5-7B-Instruct-AWQ-with-a-long-name)"
    lines = list(
        table([("chat", long_name, "ready", ""), ("watermark", "watermark (perth)", "unloaded", "Not loaded.")])
    )
    assert lines[0] == f"chat       {long_name}  ready"
    assert lines[1].index("unloaded") == lines[0].index("ready")
    assert lines[1].endswith("unloaded  Not loaded.")


def test_an_engine_is_called_by_its_own_name_and_its_model_s() -> None:
    def called(**names: str) -> tuple[str, str]:
        status = EngineStatus(kind="tts", state="ready", **({"model": ""} | names))  # type: ignore[arg-type]
        return status.called, status.name

    assert called(engine="f5", model="tiny") == ("f5 (tiny)", "f5")
    assert called(model="hibari") == ("hibari", "hibari")
    assert called(engine="url", model="url") == ("url", "url")
    assert called(engine="llama.cpp") == ("llama.cpp", "llama.cpp")
    assert called() == ("tts", "")


def test_the_set_for_a_device() -> None:
    assert set_for("vllm", "cuda:1") == "vllm"
    assert set_for("vllm", "cpu") == "vllm-cpu"
    assert set_for("watermark", "cpu") == "watermark"


def test_the_log_of_all_lives_is_shown_and_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(folder_of(config.load()) / "contrived.log")
    for life in range(3):
        output.begin(f"start {life}")
        output.take("".join(f"line {life} {number} {'x' * 900}\n" for number in range(200)).encode())
    assert sum(file.stat().st_size for file in output.file.parent.glob("contrived.log*")) < 600 * 1024
    call_command("engines", "logs", "contrived", "-n", "300")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 300
    assert lines[-1].startswith("line 2 199 ")
    assert any(line == "--- start 2" for line in lines)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(("logs", "nothing"), "There is no log of nothing"), (("prepare", "nothing"), "There is no set nothing")],
)
def test_what_there_is_not_is_said(arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("engines", *arguments)
    assert told in capsys.readouterr().err


def test_removing_takes_outdated_ones_and_no_other_set(tmp_path: Path) -> None:
    sets, root = tmp_path / "sets", tmp_path / "made"
    sets.mkdir()
    (sets / "small.txt").write_text("alpha==1\n")
    for folder in ("small-0123456789ab", "small-ba9876543210", "small-cpu-0123456789ab"):
        (root / folder).mkdir(parents=True)
        (root / folder / "file").write_text("content")
    assert Environment("small", sets=sets, root=root).remove() == 14
    assert [left.name for left in root.iterdir() if left.is_dir()] == ["small-cpu-0123456789ab"]
