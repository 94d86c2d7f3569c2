"""Reads the tensors of a file that ``torch.save`` wrote (the format before torch 1.6), without torch and without trust.

Such a file begins with pickles, and a pickle may name any function to be called. Only the three names that tensors need
are known here, and each stands for something harmless; any other name refuses the file. The raw numbers follow.
Format: torch/serialization.py, ``_legacy_save``.
"""

import collections
import io
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from inference.errors import EngineError

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_MOST_BYTES = 64 * 1024**2
_FLOAT_BYTES = 4

Tensor = npt.NDArray[np.float32]


class _FloatStorage:
    """Stands for ``torch.FloatStorage``, which the pickle only names."""


class _Lazy(msgspec.Struct, frozen=True):
    """A tensor not read yet: which numbers of which storage it is. Offset, shape and stride count numbers."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def _rebuild(storage: str, offset: int, shape: Sequence[int], stride: Sequence[int], *_: object) -> _Lazy:
    """Stands for ``torch._utils._rebuild_tensor_v2``; what follows the stride is about gradients."""
    return _Lazy(str(storage), int(offset), tuple(map(int, shape)), tuple(map(int, stride)))


_KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch", "FloatStorage"): _FloatStorage,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
}


class _Restricted(pickle.Unpickler):
    """Knows three names and storages of float32; raises `pickle.UnpicklingError` for anything else."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module}.{name}") from None

    def persistent_load(self, pid: object) -> str:
        """The key of a storage: ``("storage", kind, key, location, numbers, view)``."""
        if not isinstance(pid, tuple) or len(pid) < 3 or pid[0] != "storage" or pid[1] is not _FloatStorage:
            raise pickle.UnpicklingError("it holds something other than float32 tensors")
        return str(pid[2])


def read_tensors(path: Path, section: str) -> dict[str, Tensor]:
    """The tensors of the dictionary ``section`` of a checkpoint by name; float32, each with memory of its own.

    Raises `EngineError` for a file that is damaged, of another format, or names anything but tensors.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"it is larger than {_MOST_BYTES // 1024**2} MB")
        content = path.read_bytes()
        stream = io.BytesIO(content)
        if _unpickled(stream) != _MAGIC or _unpickled(stream) != _PROTOCOL:
            raise ValueError("it is not of the format of torch.save before 1.6")
        if not _unpickled(stream)["little_endian"]:
            raise ValueError("its numbers are big endian")
        wanted = _unpickled(stream)[section]
        storages = _storages(_unpickled(stream), content, stream.tell())
        return {str(name): _tensor(lazy, storages) for name, lazy in wanted.items() if isinstance(lazy, _Lazy)}
    except OSError as error:
        raise EngineError(f"{path} cannot be read: {error.strerror}.") from error
    except Exception as error:  # a damaged pickle may raise anything
        raise EngineError(f"The weights in {path} cannot be read: {error}.", permanent=True) from error


def _unpickled(stream: io.BytesIO) -> Any:
    return _Restricted(stream).load()


def _storages(keys: list[str], content: bytes, at: int) -> dict[str, Tensor]:
    """What follows the pickles: for each key the count (int64), then so many float32."""
    storages: dict[str, Tensor] = {}
    for key in keys:
        count = int.from_bytes(content[at : at + 8], "little")
        storages[key] = np.frombuffer(content, "<f4", count, at + 8)
        at += 8 + count * _FLOAT_BYTES
    return storages


def _tensor(lazy: _Lazy, storages: dict[str, Tensor]) -> Tensor:
    """A copy of its own; a view that would leave its storage raises ``ValueError``."""
    numbers = storages[lazy.storage]
    last = lazy.offset + sum((size - 1) * step for size, step in zip(lazy.shape, lazy.stride, strict=True))
    if min((lazy.offset, *lazy.stride, *(size - 1 for size in lazy.shape))) < 0 or last >= len(numbers):
        raise ValueError("a tensor lies outside of its numbers")
    steps = tuple(step * _FLOAT_BYTES for step in lazy.stride)
    return np.lib.stride_tricks.as_strided(numbers[lazy.offset :], lazy.shape, steps, writeable=False).copy()
