"""Fixtures for tests of voices: the real engine host, services that ask it, and people.

It is read before Django is set up: what needs models is imported where it is used.
"""

from typing import Any

import pytest

from tests.engine_host import engine_host as engine_host  # noqa: PLC0414
from tests.voices.speaking import engines as engines  # noqa: PLC0414


@pytest.fixture
def no_host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no engine is asked, none is waited for."""
    if "engines" not in request.fixturenames:
        monkeypatch.setattr("voices.presets.all_presets", lambda: ())
        monkeypatch.setattr("voices.presets.cloning", lambda: ())


@pytest.fixture
def ada() -> Any:
    return _person("ada")


@pytest.fixture
def bob() -> Any:
    return _person("bob")


@pytest.fixture
def manager() -> Any:
    return _person("mia", "approve_voice", "revoke_voice", "view_voice", "listen_voice")


def _person(name: str, *permissions: str) -> Any:
    from tests.voices import making

    return making.person(name, *permissions)
