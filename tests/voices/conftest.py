"""Fixtures for tests of voices: the real engine host, and services that ask it."""

from tests.engine_host import engine_host as engine_host  # noqa: PLC0414
from tests.voices.speaking import engines as engines  # noqa: PLC0414
