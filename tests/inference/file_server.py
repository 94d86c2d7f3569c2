"""A package index, an npm registry and a model hub on this machine, whose connections can be made to break."""

import base64
import hashlib
import io
import json
import tarfile
import threading
import urllib.parse
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """Serves ``files`` by path. ``cuts[path]``: after how many bytes each coming request breaks."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cuts: dict[str, list[int]] = {}
        self.redirects: dict[str, str] = {}
        self.ranges = True
        self.requests: list[tuple[str, str, str]] = []
        """(path, Range header, Authorization header) of every request."""
        self.url = ""

    def asked(self, path: str) -> list[str]:
        """The Range headers of the requests for a path, in order."""
        return [wanted for asked, wanted, _ in self.requests if asked == path]

    def add_wheel(self, name: str, members: dict[str, bytes], *, html: bool = False) -> bytes:
        """A wheel and its project's page in the package index at ``/simple``."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        project = name.partition("-")[0].replace("_", "-").lower()
        self.files[f"/files/{name}"] = buffer.getvalue()
        if html:
            page = f'<html><body><a href="../../files/{name}#sha256=0">{name}</a></body></html>'
        else:
            page = json.dumps({"files": [{"filename": name, "url": f"../../files/{name}", "hashes": {}}]})
        self.files[f"/simple/{project}/"] = page.encode()
        return buffer.getvalue()

    def add_tarball(self, name: str, version: str, members: dict[str, bytes]) -> bytes:
        """An npm package and its description."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for member, content in members.items():
                info = tarfile.TarInfo(member)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        self.files[f"/npm/{name}-{version}.tgz"] = buffer.getvalue()
        described = {"dist": {"tarball": f"{self.url}/npm/{name}-{version}.tgz"}}
        self.files[f"/npm/{name}/{version}"] = json.dumps(described).encode()
        return buffer.getvalue()

    def add_repository(self, name: str, files: dict[str, bytes], *, licence: str = "apache-2.0") -> None:
        """A hub repository: files over 1 kB are listed with their SHA-256, smaller ones with their Git blob id."""
        commit = "c0ffee" * 6 + "c0ff"
        tree = []
        for path, content in files.items():
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            row: dict[str, object] = {"type": "file", "path": path, "size": len(content), "oid": blob}
            if len(content) > 1000:
                row["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
            tree.append(row)
            self.files[f"/{name}/resolve/{commit}/{urllib.parse.quote(path)}"] = content
        about = {"sha": commit, "cardData": {"license": licence, "language": ["en", "zh"]}}
        for revision in ("main", commit):
            self.files[f"/api/models/{name}/revision/{revision}"] = json.dumps(about).encode()
        self.files[f"/api/models/{name}/tree/{commit}"] = json.dumps(tree).encode()

    def resolved(self, repository: str, path: str) -> str:
        return f"/{repository}/resolve/{'c0ffee' * 6}c0ff/{path}"


@contextmanager
def serving() -> Iterator[FileServer]:
    files = FileServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args: object) -> None: ...

        def do_GET(self) -> None:
            path = urllib.parse.urlsplit(self.path).path
            wanted = self.headers.get("Range", "")
            files.requests.append((path, wanted, self.headers.get("Authorization", "")))
            if path in files.redirects:
                self.send_response(302)
                self.send_header("Location", files.redirects[path])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = files.files.get(path)
            if content is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and files.ranges else 0
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            limits = files.cuts.get(path)
            limit = limits.pop(0) if limits else None
            with suppress(ConnectionError):  # a client may stop listening
                self.wfile.write(content[start:] if limit is None else content[start : start + limit])
            if limit is not None:
                self.wfile.flush()
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="file server")
    thread.start()
    files.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def basic(user: str, password: str) -> str:
    """The Authorization header for a user and a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
