"""One host owns an address: what a dead one left is removed, a living one is left in peace."""

import os
import socket
import stat
from pathlib import Path

import msgspec
import pytest

from inference import config
from inference.host.listen import CannotListen, listening


def settings(url: str, **other: str) -> config.Config:
    return msgspec.structs.replace(config.load(), engine_url=url, **other)


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s") / "engine.sock"


def test_a_socket_left_by_a_killed_host_is_taken_over(path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    with listening(settings(f"unix:{path}")) as sock:
        sock.listen()
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(path))
    assert not path.exists()


def test_a_second_host_is_told_who_owns_the_socket(path: Path) -> None:
    with (
        listening(settings(f"unix:{path}")),
        pytest.raises(CannotListen, match=rf"process {os.getpid()}\) owns .*AVATAR_ENGINE_URL"),
        listening(settings(f"unix:{path}")),
    ):
        pass


def test_only_the_owner_may_connect(path: Path) -> None:
    with listening(settings(f"unix:{path}")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_path_too_long_for_a_socket_says_so(path: Path) -> None:
    with (
        pytest.raises(CannotListen, match="longer than 107 bytes"),
        listening(settings(f"unix:{path.parent / ('x' * 120)}")),
    ):
        pass


def test_beyond_this_machine_it_wants_a_key() -> None:
    with pytest.raises(CannotListen, match="AVATAR_ENGINE_API_KEY"), listening(settings("http://0.0.0.0:8139")):
        pass


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(CannotListen, match=f"{port}: Address already in use"),
            listening(settings(f"http://127.0.0.1:{port}")),
        ):
            pass


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(CannotListen, match="AVATAR_ENGINE_URL must be"), listening(settings("https://127.0.0.1:8139")):
        pass
