"""Fixtures of the engine host's tests."""

from tests.engine_host import engine_host as engine_host  # noqa: PLC0414  (a fixture)
