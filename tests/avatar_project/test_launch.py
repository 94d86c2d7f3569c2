"""What comes before the processes: keys, the port, one AVATAR per data folder, the first administrator."""

import base64
import os
import socket
import stat
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from avatar_project.launch import keys, ports, stages
from avatar_project.launch.ports import Place

HERE = Place(bind="127.0.0.1", port=8000, hosts=ports.LOOPBACK, https=False)


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in keys.COMMENTS:
        monkeypatch.delenv(name, raising=False)


def values(file: Path) -> dict[str, str]:
    lines = (line for line in file.read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.usefixtures("no_keys")
def test_fresh_keys_are_for_the_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    (said,) = keys.write_missing(file)
    written = values(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(base64.b64decode(written["AVATAR_MASTER_KEY"], validate=True)) == 32
    assert len(written["AVATAR_SECRET_KEY"]) >= 50
    assert not any(value in said for value in written.values())


@pytest.mark.usefixtures("no_keys")
def test_keys_that_are_there_stay(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    keys.write_missing(file)
    first = file.read_text()
    assert keys.write_missing(file) == []
    assert file.read_text() == first


@pytest.mark.usefixtures("no_keys")
def test_only_the_missing_key_is_added(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("AVATAR_SECRET_KEY=mine\nAVATAR_PORT=9000")
    keys.write_missing(file)
    assert values(file)["AVATAR_SECRET_KEY"] == "mine"
    assert values(file)["AVATAR_PORT"] == "9000"
    assert "AVATAR_MASTER_KEY" in values(file)


@pytest.mark.usefixtures("no_keys")
def test_keys_of_the_environment_are_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in keys.COMMENTS:
        monkeypatch.setenv(name, "from elsewhere")
    assert keys.write_missing(tmp_path / ".env") == []
    assert not (tmp_path / ".env").exists()


def test_a_taken_port_is_named_with_a_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        place = Place("127.0.0.1", other.getsockname()[1], ports.LOOPBACK, https=False)
        with pytest.raises(stages.Stop, match=rf"Port {place.port} is taken .* make run PORT="):
            ports.refuse_taken(place)
    ports.refuse_taken(place)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(stages.Stop, match=r"AVATAR_BIND must be an address of this machine .* '192\.0\.2\.1' is none"):
        ports.refuse_taken(Place("192.0.2.1", 8000, ports.LOOPBACK, https=False))


@pytest.mark.parametrize(
    ("place", "address", "probe", "host"),
    [
        (HERE, "http://localhost:8000/", "http://127.0.0.1:8000/health", "localhost:8000"),
        (
            Place("0.0.0.0", 80, ("avatar.example", "localhost"), https=True),
            "https://avatar.example/",
            "http://127.0.0.1:80/health",
            "avatar.example",
        ),
        (
            Place("0.0.0.0", 8000, ("avatar.lan",), https=False),
            "http://avatar.lan:8000/",
            "http://127.0.0.1:8000/health",
            "avatar.lan",
        ),
        (
            Place("::1", 8000, ("[::1]",), https=False),
            "http://localhost:8000/",
            "http://[::1]:8000/health",
            "[::1]:8000",
        ),
    ],
)
def test_the_address_to_open_and_the_one_to_ask(place: Place, address: str, probe: str, host: str) -> None:
    assert place.address == address
    url, headers = place.probe
    assert (url, headers["Host"]) == (probe, host)
    assert ("X-Forwarded-Proto" in headers) is place.https


def test_one_data_folder_has_one_avatar(tmp_path: Path) -> None:
    with (
        stages.only_one(tmp_path / "var", 8000),
        pytest.raises(stages.Stop, match=r"running already .* on port 8000\. .*AVATAR_DATA_DIR"),
        stages.only_one(tmp_path / "var", 8001),
    ):
        pytest.fail("two at once")
    with stages.only_one(tmp_path / "var", 8001):
        assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700


def test_a_data_folder_that_cannot_be_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(stages.Stop, match="AVATAR_DATA_DIR"), stages.only_one(tmp_path / "file" / "var", 8000):
        pytest.fail("there is no such folder")


def test_a_failed_step_ends_the_start() -> None:
    stages.run("fine", ["true"])
    with pytest.raises(stages.Stop, match="'database' failed"):
        stages.run("database", ["false"])
    with pytest.raises(stages.Stop, match="could not run"):
        stages.run("absent", [f"/nowhere-{os.getpid()}"])


def prepared() -> str:
    out = StringIO()
    call_command("prepare", stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_first_administrator_is_created_once() -> None:
    first = prepared()
    users = get_user_model().objects.filter(is_superuser=True)
    password = first.partition("Password (shown this once): ")[2].split("\n")[0]
    assert users.get().username == "admin"
    assert users.get().check_password(password)
    assert len(password) >= 16
    assert prepared() == ""
    assert users.count() == 1


@pytest.mark.django_db
def test_a_person_named_admin_keeps_the_name() -> None:
    get_user_model().objects.create_user(username="admin")
    assert "First administrator: admin2" in prepared()
