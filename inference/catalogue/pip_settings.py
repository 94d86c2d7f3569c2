"""pip's own settings (index, certificates, proxy), so that models come from where packages come from."""

import configparser
import os
import sys
from pathlib import Path

import msgspec

PYPI = "https://pypi.org/simple"


class PipSettings(msgspec.Struct, frozen=True):
    """The part of pip's settings that says where files come from."""

    indexes: tuple[str, ...]
    find_links: tuple[str, ...]
    cert: str
    proxy: str


def read() -> PipSettings:
    """Files first (system, user, environment's), then ``PIP_*`` variables, as pip does."""
    options: dict[str, str] = {}
    for path in _files():
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except configparser.Error:
            continue  # pip itself reports a broken file
        for section in ("global", "install", "download"):
            if parser.has_section(section):
                options.update({key.replace("_", "-"): value for key, value in parser.items(section)})
    for key, value in os.environ.items():
        if key.startswith("PIP_") and value:
            options[key.removeprefix("PIP_").lower().replace("_", "-")] = value
    offline = options.get("no-index", "").lower() in {"1", "true", "yes", "on"}
    indexes = [options.get("index-url", PYPI), *options.get("extra-index-url", "").split()]
    return PipSettings(
        indexes=() if offline else tuple(indexes),
        find_links=tuple(options.get("find-links", "").split()),
        cert=options.get("cert", ""),
        proxy=options.get("proxy", ""),
    )


def _files() -> list[Path]:
    own = os.environ.get("PIP_CONFIG_FILE", "")
    if own == os.devnull:
        return []
    home = Path.home()
    system = os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")
    user = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path(folder) / "pip" / "pip.conf" for folder in system if folder]
    files += [
        Path("/etc/pip.conf"),
        home / ".pip" / "pip.conf",
        user / "pip" / "pip.conf",
        Path(sys.prefix) / "pip.conf",
    ]
    return [*files, Path(own)] if own else files
