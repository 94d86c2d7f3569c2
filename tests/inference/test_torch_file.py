"""A checkpoint is read without trust: only tensors come out, and nothing in it is ever called."""

import collections
import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference import catalogue
from inference.engines.torch_file import read_tensors
from inference.errors import EngineError

MAGIC = 0x1950A86A20F9469CFC6C


class _Named:
    """Pickled as a bare name, as torch's classes are."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class _Call:
    """Pickled as a call of ``function``."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.function, self.arguments


class _Storage:
    def __init__(self, key: str, count: int) -> None:
        self.key, self.count = key, count


_InPython: Any = pickle._Pickler
"""The pickler whose saving can be changed."""


class _Pickler(_InPython):  # type: ignore[misc]
    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, _Storage):
            return ("storage", _Named("torch", "FloatStorage"), value.key, "cpu", value.count, None)
        return None

    def save(self, value: Any, save_persistent_id: bool = True) -> Any:
        if isinstance(value, _Named):
            self.write(b"c" + f"{value.module}\n{value.name}\n".encode())
            return None
        return super().save(value, save_persistent_id)

    def save_reduce(self, func: Any, *args: Any, **options: Any) -> Any:
        if isinstance(func, _Named):
            self.save(func)
            self.save(args[0])
            self.write(pickle.REDUCE)
            return None
        return super().save_reduce(func, *args, **options)


def tensor(key: str, offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> _Call:
    rebuild = _Named("torch._utils", "_rebuild_tensor_v2")
    return _Call(rebuild, _Storage(key, 6), offset, shape, stride, False, collections.OrderedDict())


def checkpoint(path: Path, model: Any, numbers: np.ndarray | None = None, *, head: Any = MAGIC) -> Path:
    """A file as ``torch.save`` wrote it before 1.6, with one storage named "s"."""
    numbers = np.arange(6, dtype="<f4") if numbers is None else numbers
    out = io.BytesIO()
    for part in (head, 1001, {"little_endian": True}, {"model_state": model}, ["s"]):
        _Pickler(out, 2).dump(part)
    out.write(len(numbers).to_bytes(8, "little") + numbers.tobytes())
    path.write_bytes(out.getvalue())
    return path


def test_tensors_come_out_as_they_were_put_in(tmp_path: Path) -> None:
    model = {"whole": tensor("s", 0, (2, 3), (3, 1)), "turned": tensor("s", 0, (3, 2), (1, 3)), "step": 7}
    read = read_tensors(checkpoint(tmp_path / "model.pt", model), "model_state")
    assert set(read) == {"whole", "turned"}
    assert read["whole"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert read["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize("function", [os.system, eval, print], ids=["os.system", "eval", "print"])
def test_a_file_that_wants_something_called_is_refused(tmp_path: Path, function: Callable[..., Any]) -> None:
    marker = tmp_path / "called"
    for argument in (f"touch {marker}", f"open({str(marker)!r}, 'w')"):
        evil = checkpoint(tmp_path / "evil.pt", {"a": _Call(function, argument)})
        with pytest.raises(EngineError, match="it names"):
            read_tensors(evil, "model_state")
    assert not marker.exists()


def test_a_call_before_the_tensors_is_refused_too(tmp_path: Path) -> None:
    marker = tmp_path / "called"
    evil = checkpoint(tmp_path / "evil.pt", {}, head=_Call(os.system, f"touch {marker}"))
    with pytest.raises(EngineError, match="it names"):
        read_tensors(evil, "model_state")
    assert not marker.exists()


@pytest.mark.parametrize(
    "outside",
    [
        tensor("s", 1, (2, 3), (3, 1)),
        tensor("s", 0, (2, 3), (300, 1)),
        tensor("s", -1, (2,), (1,)),
        tensor("s", 5, (2,), (-1,)),
        tensor("other", 0, (1,), (1,)),
    ],
    ids=["offset", "stride", "before", "backwards", "another storage"],
)
def test_a_tensor_outside_of_its_numbers_is_refused(tmp_path: Path, outside: _Call) -> None:
    with pytest.raises(EngineError, match="cannot be read"):
        read_tensors(checkpoint(tmp_path / "model.pt", {"a": outside}), "model_state")


@pytest.mark.parametrize("content", [b"", b"no pickle", pickle.dumps(MAGIC), b"\x80\x02" * 4096])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.pt").write_bytes(content)
    with pytest.raises(EngineError, match="cannot be read"):
        read_tensors(tmp_path / "model.pt", "model_state")


@pytest.mark.models
def test_the_real_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = catalogue.model_file("resemblyzer").read_bytes()
    for end in (10, 100, 5_000, 6_600, 100_000):
        (tmp_path / "cut.pt").write_bytes(whole[:end])
        with pytest.raises(EngineError, match="cannot be read"):
            read_tensors(tmp_path / "cut.pt", "model_state")
