"""The few words of a GGUF file's header that its server is started by; llama.cpp itself reads all the rest."""

import struct
from pathlib import Path
from typing import BinaryIO

_MAGIC = b"GGUF"
_STRING, _ARRAY = 8, 9
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of each scalar type of the format."""
_MOST_STRING = 1024 * 1024
_MOST_ENTRIES = 4096


class NotGguf(Exception):
    """The file is no GGUF, or damaged in its header."""


def chat_template(path: Path) -> str:
    """The Jinja template of the model's prompts; empty when it names none. Raises `NotGguf`, `OSError`."""
    with path.open("rb") as file:
        if file.read(4) != _MAGIC:
            raise NotGguf(f"{path} is not a GGUF file.")
        try:
            version, _, entries = struct.unpack("<IQQ", _read(file, 20))
            if not 2 <= version <= 3 or entries > _MOST_ENTRIES:
                raise NotGguf(f"{path} is of an unknown kind of GGUF (version {version}) or damaged.")
            for _ in range(entries):
                name = _string(file)
                (kind,) = struct.unpack("<I", _read(file, 4))
                if name == b"tokenizer.chat_template" and kind == _STRING:
                    return _string(file).decode("utf-8", "replace")
                _skip(file, kind)
        except (struct.error, KeyError) as error:
            raise NotGguf(f"{path} is damaged: its header cannot be read.") from error
    return ""


def _read(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise struct.error("the file ends within its header")
    return data


def _string(file: BinaryIO) -> bytes:
    (length,) = struct.unpack("<Q", _read(file, 8))
    if length > _MOST_STRING:
        raise struct.error("a string is too long")
    return _read(file, length)


def _skip(file: BinaryIO, kind: int) -> None:
    if kind == _STRING:
        _string(file)
    elif kind == _ARRAY:
        of, count = struct.unpack("<IQ", _read(file, 12))
        if of == _STRING:
            for _ in range(count):
                _string(file)
        else:
            file.seek(_SIZES[of] * count, 1)
    else:
        file.seek(_SIZES[kind], 1)
