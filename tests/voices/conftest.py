"""Fixtures for tests of voices: the real engine host, and services that ask it."""

from tests.engine_host import engine_host as engine_host
from tests.voices.speaking import engines as engines
