"""CosyVoice's environments are often of Python 3.10: what its worker imports of ours must not need a later one."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine_host import ROOT

LATER = {
    *("asyncio.timeout", "asyncio.timeout_at", "asyncio.TaskGroup", "asyncio.Runner", "asyncio.Barrier"),
    *("typing.Self", "typing.LiteralString", "typing.assert_never", "typing.Never", "typing.reveal_type"),
    *("typing.Required", "typing.NotRequired", "typing.Unpack", "typing.TypeVarTuple", "typing.assert_type"),
    *("enum.StrEnum", "enum.verify", "datetime.UTC", "contextlib.chdir", "hashlib.file_digest", "tomllib"),
    *("operator.call", "math.cbrt", "math.exp2", "logging.getLevelNamesMapping", "inspect.getmembers_static"),
    *("ExceptionGroup", "BaseExceptionGroup"),
}
"""Names of the standard library that came with Python 3.11 (its "What's new")."""


def modules() -> list[Path]:
    """Of this project, all that the worker's process imports; its engine itself is imported when it loads."""
    code = (
        "import sys, inference.workers.cosyvoice.__main__\n"
        "print(*(m.__file__ for n, m in sys.modules.items() if n.startswith('inference') and m.__file__), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return [Path(line) for line in done.stdout.splitlines()]


def used(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=module), attr=name):
                names.add(f"{module}.{name}")
            case ast.ImportFrom(module=str(module), names=imported):
                names |= {f"{module}.{alias.name}" for alias in imported}
            case ast.Import(names=imported):
                names |= {alias.name for alias in imported}
            case ast.Name(id=name):
                names.add(name)
    return names


def test_the_workers_modules_need_nothing_of_python_3_11() -> None:
    found = modules()
    assert {"server.py", "engine.py", "speakers.py", "sound.py", "resample.py"} <= {path.name for path in found}
    for path in found:
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))
        assert not used(tree) & LATER, path


@pytest.mark.parametrize("line", ["import asyncio\nasyncio.timeout(1)", "from typing import Self", "import tomllib"])
def test_what_is_later_would_be_found(line: str) -> None:
    assert used(ast.parse(line)) & LATER
