"""Reads the environment (and `.env`), and says plainly what is wrong: the variable, what it may be, and what it was."""

import base64
import binascii
import contextlib
import os
import sys
import urllib.parse
import zoneinfo
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from environs import Env

C = TypeVar("C", bound=str)
BASE_DIR = Path(__file__).resolve().parent.parent
_ON = frozenset({"true", "on", "yes", "1"})
_OFF = frozenset({"false", "off", "no", "0"})


class ConfigurationError(Exception):
    """A variable has a value that it may not have; the message is for people."""


class Environment:
    """Typed variables; an unset or empty one has its default."""

    def __init__(self, file: Path = BASE_DIR / ".env") -> None:
        self._env = Env()
        try:
            self._env.read_env(str(file), recurse=False)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file} cannot be read: {error}.") from None

    def text(self, name: str, default: str = "") -> str:
        return self._env.str(name, default) or default

    def choice(self, name: str, default: C, choices: Sequence[C]) -> C:
        value = self.text(name, default)
        for one in choices:
            if one == value:
                return one
        raise _wrong(name, f"one of {', '.join(choices)}", value)

    def choice_or_url(self, name: str, default: str, choices: Sequence[str], schemes: Sequence[str]) -> str:
        """One of ``choices``, or an address."""
        value = self.text(name, default)
        parts = urllib.parse.urlsplit(value)
        if value not in choices and not (parts.scheme in schemes and parts.netloc):
            raise _wrong(name, f"one of {', '.join(choices)}, or an address that begins with {schemes[0]}://", value)
        return value

    def whole(self, name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
        """A whole number within bounds, both included."""
        value = self.text(name, str(default))
        span = f"from {least} to {most}" if most is not None else f"of {least} or more"
        with contextlib.suppress(ValueError):
            number = int(value)
            if number >= least and (most is None or number <= most):
                return number
        raise _wrong(name, f"a whole number {span}", value)

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        """A decimal number within bounds, both included."""
        value = self.text(name, str(default))
        with contextlib.suppress(ValueError):
            number = float(value)
            if least <= number <= most:
                return number
        raise _wrong(name, f"a number from {least:g} to {most:g}", value)

    def flag(self, name: str, default: bool) -> bool:
        value = self.text(name, str(default)).lower()
        if value in _ON or value in _OFF:
            return value in _ON
        raise _wrong(name, "on or off (also true/false, yes/no, 1/0)", self.text(name))

    def time_zone(self, name: str, default: str) -> str:
        value = self.text(name, default)
        if value != "UTC" and value not in zoneinfo.available_timezones():
            raise _wrong(name, "the name of a time zone, such as Europe/Berlin or Asia/Taipei", value)
        return value

    def names(self, name: str, default: Sequence[str] = ()) -> list[str]:
        """A list with commas between."""
        return [item.strip() for item in self.text(name, ",".join(default)).split(",") if item.strip()]

    def path(self, name: str, default: Path) -> Path:
        """A path; relative ones count from the project's folder, `~` is the home folder."""
        value = self.text(name)
        path = BASE_DIR / Path(value).expanduser() if value else default
        if path.exists() and not path.is_dir():
            raise _wrong(name, "a folder (it is made when there is none)", value or str(path))
        return path

    def url(self, name: str, default: str = "", *, schemes: Sequence[str] = ("http", "https")) -> str:
        """An address such as ``http://127.0.0.1:11434/v1``; empty when unset."""
        value = self.text(name, default)
        if value:
            parts = urllib.parse.urlsplit(value)
            known = parts.scheme in schemes and bool(parts.path if parts.scheme == "unix" else parts.netloc)
            if not known:
                raise _wrong(name, f"an address that begins with {' or '.join(schemes)}", value)
        return value

    def key(self, name: str, *, size: int, file_name: str = "") -> str:
        """A secret of ``size`` bytes in base64; empty when unset. ``file_name``: a variable that may name its file.

        The file may be read by its owner and group alone. The message never shows the secret.
        """
        value = self.text(name)
        if file_name and (file := self.text(file_name)):
            if value:
                raise _wrong(file_name, f"unset where {name} is set (one of the two says it)", file)
            value = _secret_of(file_name, BASE_DIR / Path(file).expanduser())
        if value:
            try:
                length = len(base64.b64decode(value, validate=True))
            except binascii.Error:
                length = -1
            if length != size:
                what = f"{length} bytes" if length >= 0 else "not base64"
                raise ConfigurationError(
                    _message(name, f"{size} bytes in base64", f"{what} (not shown: it is a secret)")
                )
        return value


@contextlib.contextmanager
def plainly() -> Iterator[None]:
    """Ends the program with the message alone, and status 1, when the configuration is wrong."""
    try:
        yield
    except ConfigurationError as error:
        sys.exit(f"AVATAR cannot start: {error}")


def _secret_of(name: str, path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            mode = os.fstat(file.fileno()).st_mode
            value = file.read(4096).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(_message(name, "a file that can be read", f"{str(path)!r} ({error})")) from None
    if mode & 0o007:
        may_be = "a file that only its owner and group can reach (chmod 600)"
        raise ConfigurationError(_message(name, may_be, f"{str(path)!r}, open to everybody ({mode & 0o777:o})"))
    if not value:
        raise ConfigurationError(_message(name, "a file with the secret in it", f"{str(path)!r}, which is empty"))
    return value


def for_others() -> dict[str, str]:
    """This process' environment for a program that is not ours: without our settings, and so without our secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AVATAR_", "DATABASE_URL"))}


def _wrong(name: str, may_be: str, was: str) -> ConfigurationError:
    return ConfigurationError(_message(name, may_be, repr(was)))


def _message(name: str, may_be: str, was: str) -> str:
    return f"{name} must be {may_be}, but is {was}. Change it in the environment or in {BASE_DIR / '.env'}."
