"""What the tests of the catalogue share: a reporter that remembers, small models, tiny GGUF files."""

import contextlib
import hashlib
import struct
from collections.abc import Iterator

from inference.catalogue.download import Progress
from inference.catalogue.entry import Archive, FileSpec, ModelEntry


class Remembering:
    """A reporter that keeps what was said, and how far each progress bar came."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.reached: dict[str, tuple[int, int]] = {}

    def say(self, message: str) -> None:
        self.said.append(message)

    @contextlib.contextmanager
    def progress(self, label: str, total: int) -> Iterator[Progress]:
        def step(count: int) -> None:
            self.reached[label] = (self.reached[label][0] + count, total)

        self.reached[label] = (0, total)
        yield step


def spec(path: str, content: bytes, *parts: str) -> FileSpec:
    return FileSpec(path=path, size=len(content), sha256=hashlib.sha256(content).hexdigest(), parts=parts)


def wheel(name: str, content: bytes) -> Archive:
    return Archive(size=len(content), sha256=hashlib.sha256(content).hexdigest(), wheel=name)


def model(files: tuple[FileSpec, ...], archives: dict[str, Archive], name: str = "tiny") -> ModelEntry:
    return ModelEntry(
        kind="chat",
        title="Tiny",
        licence="MIT",
        files=files,
        name=name,
        main=files[0].path,
        archives=archives,
        source="https://example.org/tiny",
    )


def gguf(name: str = "Tiny", licence: str = "mit", size: int = 5000) -> bytes:
    """A GGUF file with a header and nothing that could be loaded."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    pairs = [
        text("general.architecture") + struct.pack("<I", 8) + text("llama"),
        text("general.name") + struct.pack("<I", 8) + text(name),
        text("general.license") + struct.pack("<I", 8) + text(licence),
        text("general.languages") + struct.pack("<IIQ", 9, 8, 2) + text("en") + text("fr"),
        text("llama.context_length") + struct.pack("<II", 4, 2048),
        text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 0),
    ]
    content = struct.pack("<4sIQQ", b"GGUF", 3, 0, len(pairs)) + b"".join(pairs)
    return content.ljust(size, b"\0")
