"""Models that the catalogue does not name: a hub repository (``hf:owner/repository[:file]``) or a local path."""

import re
import shutil
from pathlib import Path

import msgspec

from inference.catalogue import catalogue, hub
from inference.catalogue.download import CHUNK, require_room, storage_error
from inference.catalogue.entry import NAME, FileSpec, Hub, ModelEntry
from inference.catalogue.errors import PullFailed, UnknownModel
from inference.catalogue.gguf import read_header
from inference.catalogue.pull import Reporter, described, finish, from_hub, staging

_CTRANSLATE2 = (
    "model.bin",
    "config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "vocabulary.json",
    "vocabulary.txt",
)
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
_PREFERRED = ("q4_k_m", "q4_0", "q5_k_m", "q8_0")
"""The quantisation taken when a repository offers many: the usual middle between size and quality first."""


def is_reference(text: str) -> bool:
    """Whether this is a hub repository or a path, rather than a name of the catalogue."""
    return text.startswith("hf:") or "/" in text or text.endswith(".gguf")


def pull_reference(reference: str, models_dir: Path, reporter: Reporter, name: str = "") -> ModelEntry:
    """Installs a GGUF (chat) or CTranslate2 Whisper (stt) model; raises `PullFailed`."""
    if reference.startswith("hf:"):
        return _pull_from_hub(reference.removeprefix("hf:"), models_dir, reporter, name)
    return _pull_from_path(Path(reference).expanduser(), models_dir, reporter, name)


def _pull_from_hub(reference: str, models_dir: Path, reporter: Reporter, name: str) -> ModelEntry:
    repository, _, wanted = reference.partition(":")
    if repository.count("/") != 1:
        raise UnknownModel(f"hf:{reference} is not hf:OWNER/REPOSITORY or hf:OWNER/REPOSITORY:FILE.")
    about = hub.describe(repository)
    paths = {file.path for file in hub.listing(repository, about.sha)}
    files = _choose_files(repository, paths, wanted)
    kind, main = _kind_and_main(files)
    entry = ModelEntry(
        kind="chat" if kind == "chat" else "stt",
        title=repository if kind == "stt" else Path(main).stem,
        licence=about.licence,
        files=tuple(FileSpec(path=path) for path in files),
        name=_name(name or (Path(main).name if kind == "chat" else repository.partition("/")[2])),
        languages=about.languages,
        main=main,
        source=f"{hub.endpoint()}/{repository}",
        hub=Hub(repository, about.sha),
    )
    with staging(entry.name, models_dir, reporter) as folder:
        reporter.say(f"{entry.name}: licence {entry.licence}, {entry.source}")
        entry = _with_header(from_hub(entry, folder, reporter), folder / "new")
        finish(entry, entry.source, folder, models_dir)
    return entry


def _pull_from_path(path: Path, models_dir: Path, reporter: Reporter, name: str) -> ModelEntry:
    if not path.exists():
        raise PullFailed(f"{path} does not exist. Check the path.")
    root = path if path.is_dir() else path.parent
    paths = {file.name for file in root.iterdir() if file.is_file()}
    files = _choose_files(str(path), paths, "" if path.is_dir() else path.name)
    kind, main = _kind_and_main(files)
    entry = ModelEntry(
        kind="chat" if kind == "chat" else "stt",
        title=Path(main).stem if kind == "chat" else path.name,
        licence="not stated",
        files=(),
        name=_name(name or (Path(main).name if kind == "chat" else path.name)),
        main=main,
        source=str(path),
    )
    with staging(entry.name, models_dir, reporter) as folder:
        new = folder / "new"
        new.mkdir(exist_ok=True)
        require_room(folder, sum((root / file).stat().st_size for file in files))
        for file in files:
            _copy(root / file, new / file, entry.name, reporter)
        entry = msgspec.structs.replace(entry, files=tuple(described(new, file) for file in files))
        entry = _with_header(entry, new)
        reporter.say(f"{entry.name}: licence {entry.licence}, {entry.source}")
        finish(entry, str(path), folder, models_dir)
    return entry


def _choose_files(where: str, paths: set[str], wanted: str) -> tuple[str, ...]:
    """The files that make up the model: a CTranslate2 folder, one GGUF, or all shards of one."""
    if wanted:
        if wanted not in paths:
            raise PullFailed(f"{where} has no {wanted}. It has: {', '.join(sorted(paths)[:20])}.")
        if wanted.endswith(".gguf"):
            return _shards(wanted, paths)
    elif {"model.bin", "config.json"} <= paths:
        return tuple(file for file in _CTRANSLATE2 if file in paths)
    ggufs = sorted(path for path in paths if path.endswith(".gguf") and "mmproj" not in path)
    heads = [path for path in ggufs if not _SHARD.search(path) or "-00001-of-" in path]
    for mark in _PREFERRED:
        for path in heads:
            if mark in path.lower() or len(heads) == 1:
                return _shards(path, paths)
    if heads:
        raise PullFailed(
            f"{where} has several GGUF files; name one: hf:OWNER/REPOSITORY:FILE with {', '.join(heads[:20])}."
        )
    raise PullFailed(f"{where} holds neither a GGUF file nor a CTranslate2 model (model.bin with config.json).")


def _shards(path: str, paths: set[str]) -> tuple[str, ...]:
    found = _SHARD.search(path)
    if not found:
        return (path,)
    names = tuple(f"{path[: found.start()]}-{n:05d}-of-{found[2]}.gguf" for n in range(1, int(found[2]) + 1))
    absent = [name for name in names if name not in paths]
    if absent:
        raise PullFailed(f"Of this model's {len(names)} parts these are missing: {', '.join(absent)}.")
    return names


def _kind_and_main(files: tuple[str, ...]) -> tuple[str, str]:
    if files[0].endswith(".gguf"):
        return "chat", files[0]
    if "tokenizer.json" not in files:
        raise PullFailed("This CTranslate2 model has no tokenizer.json: it is not a Whisper model that can be used.")
    return "stt", "."


def _with_header(entry: ModelEntry, folder: Path) -> ModelEntry:
    """Takes from the GGUF's header what the source did not say."""
    if entry.kind != "chat":
        return entry
    try:
        header = read_header(folder / entry.main)
    except PullFailed:
        shutil.rmtree(folder)
        raise
    return msgspec.structs.replace(
        entry,
        title=header.name or entry.title,
        licence=entry.licence if entry.licence != "not stated" else header.licence or "not stated",
        languages=entry.languages or header.languages,
        memory_mb=entry.memory_mb or (entry.size >> 20) + 300,
    )


def _copy(source: Path, target: Path, label: str, reporter: Reporter) -> None:
    size = source.stat().st_size
    try:
        with (
            source.open("rb") as file,
            target.open("wb") as out,
            reporter.progress(f"{label} {source.name}", size) as step,
        ):
            while data := file.read(CHUNK):
                out.write(data)
                step(len(data))
    except OSError as error:
        raise storage_error(error, target) from error


def _name(text: str) -> str:
    """A name for the model's folder and for commands."""
    name = re.sub(r"[^a-z0-9._-]+", "-", _SHARD.sub("", text).lower().removesuffix(".gguf")).strip("-.")
    if not NAME.fullmatch(name):
        raise UnknownModel(f"{text!r} gives no usable name. Give one with --name (letters, digits, '.', '-', '_').")
    if any(item.name == name for item in catalogue()):
        raise UnknownModel(f"{name} is a model of the catalogue. Give this one another name with --name.")
    return name
