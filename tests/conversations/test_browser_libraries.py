"""The browser's libraries: fetched once, checked, and never the reason that a start fails."""

import base64
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from avatar_project.launch import browser
from avatar_project.launch.browser import Library, install, is_installed, libraries
from inference.catalogue.errors import PullFailed, WrongHash


def tarball(**members: bytes) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return content.getvalue()


CONTENT = tarball(wave=b"export default 1;", rest=b"not wanted")


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    """An npm registry with one package."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = CONTENT
            if not self.path.endswith(".tgz"):
                found = json.dumps({"dist": {"tarball": f"http://127.0.0.1:{server.server_port}/wave.tgz"}}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(found)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield server
    server.shutdown()
    server.server_close()


def library(content: bytes = CONTENT, **files: str) -> Library:
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    return Library("wave@1.0.0", "wave", f"sha512-{digest}", files or {"package/wave": "wave.js"})


def test_it_is_fetched_checked_and_unpacked(registry: HTTPServer, tmp_path: Path) -> None:
    one = library()
    assert not is_installed(one, tmp_path)
    install(one, tmp_path)
    assert (tmp_path / "wave" / "wave.js").read_bytes() == b"export default 1;"
    assert {path.name for path in (tmp_path / "wave").iterdir()} == {"wave.js", "INTEGRITY"}
    assert [path.name for path in tmp_path.iterdir()] == ["wave"]
    assert is_installed(one, tmp_path)
    (tmp_path / "wave" / "wave.js").unlink()
    assert not is_installed(one, tmp_path)


def test_another_file_is_refused_and_what_stood_stays(registry: HTTPServer, tmp_path: Path) -> None:
    install(library(), tmp_path)
    with pytest.raises(WrongHash):
        install(library(b"another"), tmp_path)
    assert is_installed(library(), tmp_path)
    with pytest.raises(PullFailed):
        install(library(CONTENT, **{"package/nothing": "nothing.js"}), tmp_path)
    assert is_installed(library(), tmp_path)


def test_without_a_network_the_start_goes_on_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:9/")
    monkeypatch.setattr(browser, "libraries", lambda: (library(),))
    monkeypatch.setattr(browser, "is_installed", lambda one: is_installed(one, tmp_path))
    monkeypatch.setattr(browser, "install", lambda one: install(one, tmp_path))
    assert browser.main([]) == 0
    said = capsys.readouterr().err
    assert "wave@1.0.0 is not in static/vendor" in said
    assert "The next start tries again" in said
    assert browser.main(["--required"]) == 1


def test_the_second_start_needs_no_network(
    registry: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(library(), tmp_path)
    registry.shutdown()
    monkeypatch.setattr(browser, "libraries", lambda: (library(),))
    monkeypatch.setattr(browser, "is_installed", lambda one: is_installed(one, tmp_path))
    assert browser.main(["--required"]) == 0


def test_the_list_is_whole() -> None:
    named = libraries()
    assert {one.folder for one in named} == {"wavesurfer", "chart"}
    for one in named:
        assert one.integrity.startswith("sha512-")
        assert any("LICENSE" in member for member in one.files), "a licence goes with the code"
