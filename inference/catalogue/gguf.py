"""Reads what a GGUF file says of itself (name, licence, languages), and so refuses a file that is none.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little endian).
"""

import struct
from pathlib import Path
from typing import IO, Any

import msgspec

from inference.catalogue.errors import PullFailed

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MOST = 1 << 24
"""Longest string or array believed."""


class GgufHeader(msgspec.Struct, frozen=True):
    """Metadata of a GGUF file; empty where the file does not say."""

    architecture: str = ""
    name: str = ""
    licence: str = ""
    languages: tuple[str, ...] = ()


def read_header(path: Path) -> GgufHeader:
    """Raises `PullFailed` when the file is not a GGUF."""
    wanted = {f"general.{key}" for key in ("architecture", "name", "license", "languages")}
    found: dict[str, Any] = {}
    try:
        with path.open("rb") as file:
            magic, version, _tensors, pairs = struct.unpack("<4sIQQ", file.read(24))
            if magic != b"GGUF" or version not in {2, 3}:
                raise PullFailed(f"{path.name} is not a GGUF file; it is not used.")
            for _ in range(min(pairs, 10_000)):
                key = _string(file)
                # The general fields come first; the vocabulary, far larger, after them.
                if key.startswith("tokenizer."):
                    break
                value = _value(file, _one(file, "I"))
                if key in wanted:
                    found[key.removeprefix("general.")] = value
    except (struct.error, ValueError, KeyError) as error:
        raise PullFailed(f"{path.name} is a damaged GGUF file ({error}); it is not used.") from None
    languages = found.get("languages", ())
    return GgufHeader(
        architecture=str(found.get("architecture", "")),
        name=str(found.get("name", "")),
        licence=str(found.get("license", "")),
        languages=tuple(languages) if isinstance(languages, list) else (),
    )


def _value(file: IO[bytes], kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind == _ARRAY:
        inner, count = _one(file, "I"), _length(file)
        return [_value(file, inner) for _ in range(count)]
    return _one(file, _SCALARS[kind])


def _string(file: IO[bytes]) -> str:
    return file.read(_length(file)).decode("utf-8", "replace")


def _length(file: IO[bytes]) -> int:
    length = int(_one(file, "Q"))
    if length > _MOST:
        raise ValueError(f"a length of {length}")
    return length


def _one(file: IO[bytes], code: str) -> Any:
    size = struct.calcsize("<" + code)
    return struct.unpack("<" + code, file.read(size))[0]
