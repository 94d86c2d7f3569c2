"""Plain HTTP(S) for the catalogue: proxies from the environment, certificates, redirects that keep secrets at home."""

import base64
import email.message
import http.client
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO

import msgspec

from inference.catalogue.errors import NoNetwork, PullFailed

TIMEOUT_S = 30.0
"""Longest silence of a server, connecting or sending."""
MAX_PAGE_BYTES = 64 << 20
"""Largest index page or listing read into memory."""


class Link(msgspec.Struct, frozen=True):
    """Where something can be fetched, and how."""

    url: str
    headers: dict[str, str] = {}
    cafile: str = ""
    proxy: str = ""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects; an Authorization header goes on only to the host it was meant for."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage | email.message.Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        following = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
        if following is not None and urllib.parse.urlsplit(newurl).netloc != urllib.parse.urlsplit(req.full_url).netloc:
            following.remove_header("Authorization")
        return following


def open_link(link: Link, *, start: int = 0) -> http.client.HTTPResponse:
    """Opens a link from byte ``start`` on; raises `NoNetwork` (worth another try) or `PullFailed` (an answer of no)."""
    bare, authorization = _without_credentials(link.url)
    request = urllib.request.Request(bare, headers={"User-Agent": "avatar-models", **authorization, **link.headers})  # noqa: S310
    request.add_header("Accept-Encoding", "identity")
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        response: http.client.HTTPResponse = _opener(link).open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(bare, error.code, error.reason) from None
    except (OSError, http.client.HTTPException) as error:
        raise NoNetwork(_unreachable(bare, error)) from None
    return response


def read_page(link: Link) -> tuple[bytes, str]:
    """The content of a small page and its final URL (which relative links count from)."""
    with open_link(link) as response:
        try:
            content = response.read(MAX_PAGE_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise NoNetwork(_unreachable(link.url, error)) from None
        if len(content) > MAX_PAGE_BYTES:
            raise PullFailed(f"{host(link.url)} sent a listing larger than {MAX_PAGE_BYTES >> 20} MB; it is not used.")
        return content, response.url


def host(url: str) -> str:
    """The host of a URL, for messages; never its credentials."""
    return urllib.parse.urlsplit(url).hostname or url


def _opener(link: Link) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context(cafile=link.cafile or _certificates())
    proxies = {"http": link.proxy, "https": link.proxy} if link.proxy else None
    handlers = [urllib.request.HTTPSHandler(context=context), _Redirects(), urllib.request.ProxyHandler(proxies)]
    return urllib.request.build_opener(*handlers)


def _certificates() -> str | None:
    """None for the system's certificates; pip's own where the system has none (a minimal Debian)."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile or (paths.capath and any(Path(paths.capath).iterdir())):
        return None
    try:
        from pip._vendor import certifi  # noqa: PLC0415  (only where needed; pip need not be there)
    except ImportError:
        return None
    return str(certifi.where())


def _without_credentials(url: str) -> tuple[str, dict[str, str]]:
    """The URL without ``user:password@``, and the header that says the same."""
    parts = urllib.parse.urlsplit(url)
    if parts.username is None:
        return url, {}
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    return bare, {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _refused(url: str, code: int, reason: str) -> PullFailed:
    what = f"{host(url)} answered {code} {reason} for {Path(urllib.parse.urlsplit(url).path).name or url}."
    if code in {401, 403}:
        return PullFailed(f"{what} It wants credentials: HF_TOKEN for a hub, or those of your package index.")
    if code == 404:
        return PullFailed(f"{what} The file is not there. Check the name, or the index and hub that are configured.")
    if code >= 500 or code in {408, 429}:
        return NoNetwork(f"{what} The server has a problem of its own. Try again later.")
    return PullFailed(f"{what} Check the address.")


def _unreachable(url: str, error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, ssl.SSLError):
        todo = "Check the certificates (SSL_CERT_FILE, or pip's `cert` setting)."
    elif os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
        todo = "Check the network and the proxy (HTTPS_PROXY), then run the same command again."
    else:
        todo = "Check the network (or set HTTPS_PROXY), then run the same command again; what arrived is kept."
    return f"No connection to {host(url)}: {reason}. {todo}"
