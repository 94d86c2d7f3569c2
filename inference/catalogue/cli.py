"""``models list|pull|verify|use|remove``, for `manage.py models` and `python -m inference.catalogue` alike."""

import argparse
import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import msgspec
from tqdm import tqdm

from inference import catalogue, config
from inference.catalogue import pull as pulling
from inference.catalogue.download import Progress
from inference.catalogue.entry import KINDS, ModelEntry
from inference.catalogue.errors import UnknownModel
from inference.catalogue.reference import is_reference, pull_reference
from inference.catalogue.verify import verify
from inference.errors import EngineError


class Terminal:
    """Messages as lines, progress as a bar (one line at the end where there is no terminal)."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def say(self, message: str) -> None:
        tqdm.write(message, file=self._out)
        self._out.flush()

    @contextlib.contextmanager
    def progress(self, label: str, total: int) -> Iterator[Progress]:
        live = self._out.isatty()
        bar = tqdm(
            total=total or None,
            desc=label,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
            file=self._out,
            disable=not live,
        )
        with bar:

            def step(count: int) -> None:
                bar.update(count)

            yield step
        if not live:
            self.say(f"{label}: {total / (1 << 20):.1f} MB")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, parser_class=argparse.ArgumentParser)
    listing = actions.add_parser("list", help="what there is, and what is on this machine")
    listing.add_argument("--json", action="store_true", help="for programs")
    pull = actions.add_parser("pull", help="bring models here (without a name: the embedded ones)")
    pull.add_argument("models", nargs="*", metavar="MODEL", help="a name, hf:OWNER/REPOSITORY[:FILE], or a path")
    pull.add_argument("--name", default="", help="what to call a model that the catalogue does not name")
    pull.add_argument("--no-use", action="store_true", help="do not use it from now on")
    pull.add_argument("--again", action="store_true", help="even if it is here")
    check = actions.add_parser("verify", help="compare every byte with its SHA-256 (without a name: all that is here)")
    check.add_argument("models", nargs="*", metavar="MODEL")
    use = actions.add_parser("use", help="use this model for its kind from now on")
    use.add_argument("model", metavar="MODEL")
    remove = actions.add_parser("remove", help="delete a model from this machine")
    remove.add_argument("model", metavar="MODEL")


def run(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Runs one action; 0, or 1 after a message."""
    actions: dict[str, Callable[[argparse.Namespace, Terminal], None]] = {
        "list": _list, "pull": _pull, "verify": _verify, "use": _use, "remove": _remove,
    }  # fmt: skip
    try:
        actions[arguments.action](arguments, Terminal(out))
    except EngineError as error:
        print(error.message, file=err)
        return 1
    except OSError as error:
        print(f"{error.strerror or error}: {error.filename or ''}. The models' folder is {_root()}.", file=err)
        return 1
    except KeyboardInterrupt:
        print("Stopped. What arrived is kept; the same command continues.", file=err)
        return 130
    return 0


def main(argv: list[str] | None = None) -> int:
    """`python -m inference.catalogue`."""
    parser = argparse.ArgumentParser(prog="python -m inference.catalogue", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args(argv), sys.stdout, sys.stderr)


class Row(msgspec.Struct):
    """One line of ``models list --json``."""

    name: str
    kind: str
    title: str
    licence: str
    size_bytes: int
    memory_mb: int
    languages: tuple[str, ...]
    state: str
    default: bool
    note: str = ""


def _rows() -> list[Row]:
    root = _root()
    defaults = {kind: catalogue.default(kind, root).name for kind in KINDS}
    return [
        Row(
            item.name,
            item.kind,
            item.title,
            item.licence,
            item.size,
            item.memory_mb,
            item.languages,
            ("in package" if item.package else "installed") if catalogue.is_installed(item, root) else "not pulled",
            defaults[item.kind] == item.name,
            item.note,
        )
        for item in catalogue.entries(root)
    ]


def _list(arguments: argparse.Namespace, terminal: Terminal) -> None:
    rows = _rows()
    if arguments.json:
        terminal.say(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
        return
    width = max(len(row.name) for row in rows)
    head = f"  {'MODEL':{width}}  {'KIND':4}  {'SIZE':>8}  {'MEMORY':>8}  {'STATE':10}  {'LICENCE':12}  LANGUAGES"
    terminal.say(head)
    for row in rows:
        size = f"{row.size_bytes / 1e6:.0f} MB" if row.size_bytes else "?"
        memory = f"{row.memory_mb} MB" if row.memory_mb else "?"
        many = len(row.languages) > 8
        languages = f"{len(row.languages)}, {', '.join(row.languages[:4])}, ..." if many else ", ".join(row.languages)
        mark = "*" if row.default else " "
        terminal.say(
            f"{mark} {row.name:{width}}  {row.kind:7}  {size:>8}  {memory:>8}  {row.state:10}  {row.licence:12}  "
            f"{languages or 'not stated'}"
        )
    terminal.say(f"* is used for its kind. They are in {_root()}.")


def _pull(arguments: argparse.Namespace, terminal: Terminal) -> None:
    root = _root()
    embedded = [item.name for item in catalogue.catalogue() if item.embedded]
    for name in arguments.models or embedded:
        if is_reference(name):
            item = pull_reference(name, root, terminal, arguments.name)
        else:
            item = catalogue.entry(name, root)
            again = arguments.again
            if again and item.hub is None and not item.archives and not item.package:
                raise UnknownModel(f"{name} came from {item.source}: pull it from there again.")
            if pulling.pull(item, root, terminal, again=again):
                terminal.say(f"{item.name}: ready in {root / item.name}")
            else:
                terminal.say(f"{item.name}: is here")
        if arguments.models and item.kind in {"chat", "stt"} and not arguments.no_use:
            _choose(item, terminal)


def _choose(item: ModelEntry, terminal: Terminal) -> None:
    root = _root()
    if catalogue.default(item.kind, root).name == item.name:
        terminal.say(f"{item.name} is used for {item.kind}.")
        return
    catalogue.choose(item.name, root)
    used = catalogue.default(item.kind, root)
    if used.name == item.name:
        terminal.say(f"{item.name} is used for {item.kind} from now on (a running AVATAR: after `make run` again).")
    else:
        variable = {"chat": "AVATAR_CHAT_MODEL", "stt": "AVATAR_STT_MODEL"}[item.kind]
        terminal.say(f"{item.name} is chosen, but {variable}={used.name} in the environment goes before it.")


def _verify(arguments: argparse.Namespace, terminal: Terminal) -> None:
    root = _root()
    names = arguments.models or [item.name for item in catalogue.installed(root)]
    failures: list[str] = []
    for name in names:
        try:
            verify(catalogue.entry(name, root), root, terminal)
        except EngineError as error:
            failures.append(error.message)
        else:
            terminal.say(f"{name}: every file is right")
    if failures:
        raise EngineError("\n".join(failures), permanent=True)


def _use(arguments: argparse.Namespace, terminal: Terminal) -> None:
    root = _root()
    item = catalogue.entry(arguments.model, root)
    catalogue.locate(item.name, root)
    _choose(item, terminal)


def _remove(arguments: argparse.Namespace, terminal: Terminal) -> None:
    root = _root()
    item = catalogue.entry(arguments.model, root)
    if item.package:
        raise UnknownModel(f"{item.name} is part of the installed package {item.package}; it cannot be removed alone.")
    folder = root / item.name
    if not folder.is_dir():
        raise UnknownModel(f"{item.name} is not on this machine.")
    if catalogue.chosen(root).get(item.kind) == item.name:
        catalogue.forget(item.kind, root)
    shutil.rmtree(folder)
    terminal.say(f"{item.name}: removed. {catalogue.default(item.kind, root).name} is used for {item.kind}.")


def _root() -> Path:
    return config.load().models_dir
