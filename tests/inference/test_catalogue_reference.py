"""Models that the catalogue does not name: from a hub's repository and from a path."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inference import catalogue
from inference.catalogue import download as downloading
from inference.catalogue import hub
from inference.catalogue.entry import ModelEntry, read_manifest
from inference.catalogue.errors import PullFailed, UnknownModel, WrongHash
from inference.catalogue.links import Link, open_link
from inference.catalogue.pull import pull
from inference.catalogue.reference import pull_reference
from inference.catalogue.verify import verify
from tests.inference.catalogue_tools import Remembering, gguf, spec
from tests.inference.file_server import FileServer, serving

WHISPER = {
    "model.bin": bytes(range(256)) * 40,
    "config.json": b'{"lang_ids": []}',
    "tokenizer.json": b"{}",
    "vocabulary.json": b"[]",
    "README.md": b"not wanted",
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    with serving() as files:
        monkeypatch.setenv("HF_ENDPOINT", files.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setattr(downloading, "PAUSE_S", (0.0,))
        yield files


def test_a_repository_with_many_quantisations_gives_the_usual_one(server: FileServer, tmp_path: Path) -> None:
    server.add_repository("owner/Tiny-GGUF", {"Tiny-Q8_0.gguf": gguf(), "Tiny-Q4_K_M.gguf": gguf("Tiny chat")})
    reporter = Remembering()
    entry = pull_reference("hf:owner/Tiny-GGUF", tmp_path, reporter)
    assert (entry.kind, entry.name, entry.title) == ("chat", "tiny-q4_k_m", "Tiny chat")
    assert (entry.licence, entry.languages) == ("apache-2.0", ("en", "zh"))
    assert catalogue.model_file("tiny-q4_k_m", tmp_path).read_bytes() == gguf("Tiny chat")
    assert any("licence apache-2.0" in line for line in reporter.said)
    verify(entry, tmp_path, reporter)


def test_a_file_of_a_repository_by_name(server: FileServer, tmp_path: Path) -> None:
    server.add_repository("owner/Tiny-GGUF", {"a/Tiny-Q8_0.gguf": gguf(), "Tiny-Q4_K_M.gguf": gguf()})
    entry = pull_reference("hf:owner/Tiny-GGUF:a/Tiny-Q8_0.gguf", tmp_path, Remembering(), name="mine")
    assert entry.name == "mine"
    assert catalogue.model_file("mine", tmp_path) == tmp_path / "mine" / "a" / "Tiny-Q8_0.gguf"


def test_all_parts_of_a_split_gguf_come(server: FileServer, tmp_path: Path) -> None:
    parts = {f"Big-Q4_K_M-{n:05d}-of-00002.gguf": gguf() for n in (1, 2)}
    server.add_repository("owner/Big", parts)
    entry = pull_reference("hf:owner/Big", tmp_path, Remembering())
    assert entry.name == "big-q4_k_m"
    assert entry.main == "Big-Q4_K_M-00001-of-00002.gguf"
    assert {path.name for path in (tmp_path / entry.name).glob("*.gguf")} == set(parts)


def test_a_whisper_of_a_hub_is_speech_to_text(server: FileServer, tmp_path: Path) -> None:
    server.add_repository("owner/faster-whisper-tiny", WHISPER, licence="mit")
    entry = pull_reference("hf:owner/faster-whisper-tiny", tmp_path, Remembering())
    assert (entry.kind, entry.licence) == ("stt", "mit")
    folder = catalogue.model_file(entry.name, tmp_path)
    assert folder.is_dir()
    assert not (folder / "README.md").exists()
    assert (folder / "model.bin").read_bytes() == WHISPER["model.bin"]


def test_a_large_file_that_differs_from_the_hub_s_hash_is_refused(server: FileServer, tmp_path: Path) -> None:
    server.add_repository("owner/Tiny", {"Tiny-Q4_K_M.gguf": gguf()})
    server.files[server.resolved("owner/Tiny", "Tiny-Q4_K_M.gguf")] = gguf("Other")
    with pytest.raises(WrongHash):
        pull_reference("hf:owner/Tiny", tmp_path, Remembering())
    assert {path.name for path in tmp_path.iterdir()} == {".staging"}


def test_a_small_file_is_checked_by_its_git_id(server: FileServer, tmp_path: Path) -> None:
    server.add_repository("owner/Whisper", WHISPER)
    server.files[server.resolved("owner/Whisper", "tokenizer.json")] = b"[]"
    with pytest.raises(WrongHash, match=r"tokenizer\.json"):
        pull_reference("hf:owner/Whisper", tmp_path, Remembering())


def test_a_hub_model_of_the_catalogue_is_held_to_the_catalogue_s_hash(server: FileServer, tmp_path: Path) -> None:
    server.add_repository("owner/Tiny", {"Tiny.gguf": gguf("Changed since")})
    entry = ModelEntry(
        kind="chat",
        title="Tiny",
        licence="MIT",
        name="tiny",
        files=(spec("Tiny.gguf", gguf("As named")),),
        hub=catalogue.entry("qwen2.5-1.5b-instruct").hub,
    )
    assert entry.hub is not None
    server.files = {path.replace("owner/Tiny", entry.hub.repository): content for path, content in server.files.items()}
    about = f"/api/models/{entry.hub.repository}/revision/{entry.hub.revision}"
    server.files[about] = server.files[f"/api/models/{entry.hub.repository}/revision/main"]
    with pytest.raises(WrongHash):
        pull(entry, tmp_path, Remembering())


def test_the_token_is_for_the_hub_alone(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as elsewhere:
        elsewhere.files["/blob"] = b"content"
        server.redirects["/owner/Tiny/resolve/main/Tiny.gguf"] = f"{elsewhere.url}/blob"
        monkeypatch.setenv("HF_TOKEN", "secret-token")
        with open_link(hub.file_link("owner/Tiny", "main", "Tiny.gguf")) as answer:
            assert answer.read() == b"content"
        assert server.requests[0][2] == "Bearer secret-token"
        assert elsewhere.requests == [("/blob", "", "")]


def test_a_repository_that_is_not_there(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(PullFailed, match="404"):
        pull_reference("hf:owner/absent", tmp_path, Remembering())


def test_a_repository_without_a_usable_model(server: FileServer, tmp_path: Path) -> None:
    server.add_repository("owner/Torch", {"pytorch_model.bin": b"x" * 2000})
    with pytest.raises(PullFailed, match="neither a GGUF file nor a CTranslate2 model"):
        pull_reference("hf:owner/Torch", tmp_path, Remembering())


def test_many_files_without_a_usual_one_want_a_name(server: FileServer, tmp_path: Path) -> None:
    server.add_repository("owner/Odd", {"odd-iq1.gguf": gguf(), "odd-iq2.gguf": gguf()})
    with pytest.raises(PullFailed, match=r"name one: .*odd-iq1\.gguf, odd-iq2\.gguf"):
        pull_reference("hf:owner/Odd", tmp_path, Remembering())


def test_a_hub_that_is_none(server: FileServer, tmp_path: Path) -> None:
    server.files["/api/models/owner/Tiny/revision/main"] = b"<html>a portal that wants a login</html>"
    with pytest.raises(PullFailed, match="HF_ENDPOINT"):
        pull_reference("hf:owner/Tiny", tmp_path, Remembering())


def test_a_gguf_of_this_machine(tmp_path: Path) -> None:
    file = tmp_path / "My Model.Q4_K_M.gguf"
    file.write_bytes(gguf("Mine", licence="cc-by-4.0"))
    entry = pull_reference(str(file), tmp_path / "models", Remembering())
    assert (entry.name, entry.title, entry.licence) == ("my-model.q4_k_m", "Mine", "cc-by-4.0")
    assert entry.languages == ("en", "fr")
    file.unlink()
    verify(entry, tmp_path / "models", Remembering())
    assert entry in catalogue.installed(tmp_path / "models")


def test_a_whisper_folder_of_this_machine(tmp_path: Path) -> None:
    folder = tmp_path / "my-whisper"
    folder.mkdir()
    for name, content in WHISPER.items():
        (folder / name).write_bytes(content)
    entry = pull_reference(str(folder), tmp_path / "models", Remembering())
    assert (entry.kind, entry.name) == ("stt", "my-whisper")
    manifest = read_manifest(tmp_path / "models" / "my-whisper")
    assert manifest is not None
    assert manifest.pulled_from == str(folder)


@pytest.mark.parametrize("content", [b"", b"GGUF", b"<html></html>", gguf()[:60], b"GGUF" + b"\xff" * 200])
def test_what_is_no_gguf_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.gguf"
    file.write_bytes(content)
    with pytest.raises(PullFailed, match="not used"):
        pull_reference(str(file), tmp_path / "models", Remembering())
    assert not (tmp_path / "models" / "broken").exists()


def test_a_name_of_the_catalogue_is_not_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "qwen2.5-1.5b-instruct.gguf"
    file.write_bytes(gguf())
    with pytest.raises(UnknownModel, match="--name"):
        pull_reference(str(file), tmp_path / "models", Remembering())


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PullFailed, match="does not exist"):
        pull_reference(str(tmp_path / "absent.gguf"), tmp_path, Remembering())


def test_an_answer_of_no_is_not_tried_again(server: FileServer) -> None:
    with pytest.raises(PullFailed) as caught:
        open_link(Link(f"{server.url}/absent"))
    assert caught.value.permanent
    assert len(server.requests) == 1
