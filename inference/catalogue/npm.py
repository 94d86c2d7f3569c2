"""Finds a tarball in npm's configured registry; npm itself need not be installed."""

import os
import re
import urllib.parse
from pathlib import Path

import msgspec

from inference.catalogue.errors import PullFailed
from inference.catalogue.links import Link, host, read_page

REGISTRY = "https://registry.npmjs.org/"


class _Dist(msgspec.Struct):
    tarball: str


class _Version(msgspec.Struct):
    dist: _Dist


def find_tarball(package: str) -> Link:
    """Where the tarball of ``name@version`` is."""
    name, _, version = package.rpartition("@")
    options = _options()
    registry = options.get("registry", REGISTRY).rstrip("/") + "/"
    parts = urllib.parse.urlsplit(registry)
    token = options.get(f"//{parts.netloc}{parts.path}:_authToken") or options.get(f"//{parts.netloc}:_authToken")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    cafile = options.get("cafile", "") or os.environ.get("NODE_EXTRA_CA_CERTS", "")
    page, _ = read_page(Link(f"{registry}{urllib.parse.quote(name, safe='@')}/{version}", headers, cafile))
    try:
        url = msgspec.json.decode(page, type=_Version).dist.tarball
    except msgspec.MsgspecError as error:
        raise PullFailed(
            f"{host(registry)} did not describe {package} as an npm registry does ({error}). "
            "Check npm's registry setting (NPM_CONFIG_REGISTRY)."
        ) from None
    return Link(url, headers if host(url) == host(registry) else {}, cafile)


def _options() -> dict[str, str]:
    """``.npmrc`` of the system and the user, then ``npm_config_*`` variables (any case), as npm does."""
    options: dict[str, str] = {}
    user = os.environ.get("NPM_CONFIG_USERCONFIG") or Path.home() / ".npmrc"
    for path in (Path("/etc/npmrc"), Path("/usr/etc/npmrc"), Path(user)):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        for line in lines:
            key, equals, value = line.partition("=")
            if equals and not key.lstrip().startswith(("#", ";")):
                options[key.strip()] = re.sub(
                    r"\$\{(\w+)\}", lambda found: os.environ.get(found[1], ""), value.strip().strip("\"'")
                )
    for name, value in os.environ.items():
        if name.lower().startswith("npm_config_") and value:
            options[name.lower().removeprefix("npm_config_").replace("_", "-")] = value
    return options
