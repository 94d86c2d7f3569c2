"""Which models there are, which are here, which is used; and the command that shows it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from inference import catalogue, config
from inference.catalogue.entry import KINDS, read_manifest
from inference.catalogue.errors import ModelMissing, UnknownModel, WrongHash
from inference.catalogue.gguf import read_header
from inference.catalogue.reference import pull_reference
from inference.catalogue.verify import verify
from inference.env import BASE_DIR
from tests.inference.catalogue_tools import Remembering, gguf

Settings = Callable[..., None]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Changes the configuration that the catalogue reads."""

    def change(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        changed = config.load.__wrapped__()
        monkeypatch.setattr(config, "load", lambda: changed)

    return change


def pulled(tmp_path: Path, name: str = "mine") -> Path:
    file = tmp_path / f"{name}.gguf"
    file.write_bytes(gguf())
    models = tmp_path / "models"
    pull_reference(str(file), models, Remembering(), name=name)
    return models


def command(models: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "inference.catalogue", *arguments],
        cwd=BASE_DIR,
        env=os.environ | {"AVATAR_MODELS_DIR": str(models)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_kind_has_an_embedded_model() -> None:
    assert {item.kind for item in catalogue.catalogue() if item.embedded} == set(KINDS)


def test_every_model_says_what_it_is() -> None:
    for item in catalogue.catalogue():
        assert item.licence
        assert item.languages or item.kind == "speaker"
        assert item.memory_mb > 0
        assert item.source.startswith("https://")
        assert item.package or item.hub or item.archives
        assert item.main == "." or any(file.path == item.main for file in item.files)
        assert all(len(archive.sha256) == 64 and archive.size for archive in item.archives.values())
        used = {part.partition(":")[0] for file in item.files for part in file.parts}
        assert used == set(item.archives)
        if not item.hub:
            assert all(len(file.sha256) == 64 and file.size for file in item.files)


def test_kokoro_brings_mandarin_and_english_voices() -> None:
    paths = [file.path for file in catalogue.entry("kokoro").files]
    assert sum(path.startswith("voices/z") for path in paths) == 8
    assert "voices/af_heart.bin" in paths
    assert catalogue.entry("kokoro").speaks("zh-TW")


def test_a_missing_model_names_the_command_that_brings_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"manage\.py models pull whisper-base") as caught:
        catalogue.locate("whisper-base", tmp_path)
    assert caught.value.permanent


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="smollm2-135m-instruct"):
        catalogue.entry("gpt-9", tmp_path)


def test_a_model_with_a_file_cut_short_is_not_installed(tmp_path: Path) -> None:
    models = pulled(tmp_path)
    catalogue.locate("mine", models)
    (models / "mine" / "mine.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelMissing):
        catalogue.locate("mine", models)


def test_a_changed_byte_is_found_by_verify(tmp_path: Path) -> None:
    models = pulled(tmp_path)
    file = models / "mine" / "mine.gguf"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(WrongHash, match="changed or damaged"):
        verify(catalogue.entry("mine", models), models, Remembering())


def test_what_is_chosen_is_used_from_then_on(tmp_path: Path) -> None:
    models = pulled(tmp_path)
    assert catalogue.default("chat", models).name == "smollm2-135m-instruct"
    catalogue.choose("mine", models)
    assert catalogue.default("chat", models).name == "mine"
    assert catalogue.default("stt", models).name == "whisper-base"
    catalogue.forget("chat", models)
    assert catalogue.default("chat", models).name == "smollm2-135m-instruct"


def test_what_is_not_here_cannot_be_chosen(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        catalogue.choose("qwen2.5-1.5b-instruct", tmp_path)


def test_the_environment_goes_before_the_choice(tmp_path: Path, settings: Settings) -> None:
    models = pulled(tmp_path)
    catalogue.choose("mine", models)
    settings(AVATAR_CHAT_MODEL="qwen2.5-1.5b-instruct")
    assert catalogue.default("chat", models).name == "qwen2.5-1.5b-instruct"


def test_a_remote_server_s_model_name_is_not_one_of_ours(tmp_path: Path, settings: Settings) -> None:
    settings(AVATAR_CHAT_MODEL="qwen2.5:7b", AVATAR_CHAT_URL="http://127.0.0.1:11434/v1")
    assert catalogue.default("chat", tmp_path).name == "smollm2-135m-instruct"


def test_a_damaged_choice_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / catalogue.CHOICES).write_text("{")
    with pytest.raises(UnknownModel, match="Delete it"):
        catalogue.default("chat", tmp_path)


def test_the_command_lists_for_people_and_for_programs(tmp_path: Path) -> None:
    models = pulled(tmp_path)
    shown = command(models, "list")
    assert shown.returncode == 0
    assert "mine" in shown.stdout
    assert "* smollm2-135m-instruct" in shown.stdout
    rows = {row["name"]: row for row in json.loads(command(models, "list", "--json").stdout)}
    assert rows["mine"]["state"] == "installed"
    assert rows["hibari"]["state"] == "in package"
    assert rows["whisper-base"] | {"state": "not pulled", "default": True} == rows["whisper-base"]


def test_a_pulled_chat_model_is_used_from_then_on(tmp_path: Path) -> None:
    file = tmp_path / "better.gguf"
    file.write_bytes(gguf())
    models = tmp_path / "models"
    done = command(models, "pull", str(file))
    assert done.returncode == 0
    assert "better is used for chat from now on" in done.stdout
    assert catalogue.default("chat", models).name == "better"
    assert "goes before it" in command(models, "use", "better", AVATAR_CHAT_MODEL="smollm2-135m-instruct").stdout
    assert command(models, "remove", "better").returncode == 0
    assert catalogue.default("chat", models).name == "smollm2-135m-instruct"
    assert not (models / "better").exists()


def test_one_that_is_only_kept_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "spare.gguf"
    file.write_bytes(gguf())
    assert command(tmp_path / "models", "pull", "--no-use", str(file)).returncode == 0
    assert catalogue.default("chat", tmp_path / "models").name == "smollm2-135m-instruct"


def test_without_a_network_the_command_ends_with_one_message(tmp_path: Path) -> None:
    nowhere = {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_EXTRA_INDEX_URL": ""}
    done = command(tmp_path, "pull", "smart-turn-v3", PIP_FIND_LINKS="", **nowhere)
    assert done.returncode == 1
    assert done.stderr.startswith("No connection to 127.0.0.1")
    assert "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {".staging"}


def test_verify_names_every_bad_model_and_fails(tmp_path: Path) -> None:
    models = pulled(tmp_path)
    file = models / "mine" / "mine.gguf"
    file.write_bytes(bytes(len(file.read_bytes())))
    done = command(models, "verify")
    assert done.returncode == 1
    assert "hibari: every file is right" in done.stdout
    assert "mine.gguf was changed or damaged" in done.stderr


@pytest.mark.models
@pytest.mark.parametrize("name", ["whisper-base", "smollm2-135m-instruct", "smart-turn-v3", "hibari", "kokoro"])
def test_the_models_here_are_the_ones_named(name: str) -> None:
    models = config.load().models_dir
    reporter = Remembering()
    verify(catalogue.entry(name, models), models, reporter)
    assert all(done == total > 0 for done, total in reporter.reached.values())
    if name == "smollm2-135m-instruct":
        assert read_header(catalogue.model_file(name, models)).licence == "apache-2.0"
    if name != "hibari":
        manifest = read_manifest(catalogue.locate(name, models))
        assert manifest is not None
        assert manifest.entry.licence == catalogue.entry(name).licence
