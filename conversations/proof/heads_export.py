"""Files of heads on disk: whole or not there at all, readable by their owner and group."""

import os
from pathlib import Path

from django.conf import settings

from conversations.log import heads
from conversations.log.heads import HeadsFile


def write(path: Path) -> HeadsFile:
    """Exports the heads as they stand into ``path``. Raises `OSError`, `conversations.log.errors.LogError`."""
    exported = heads.export()
    _store(path, exported)
    return exported


def export_to_directory() -> Path:
    """One more file in ``AVATAR_HEADS_DIR``, named for its moment; older ones are left for the operator to keep."""
    directory = settings.HEADS_DIR
    if directory is None:
        raise ValueError("AVATAR_HEADS_DIR is not set")
    exported = heads.export()
    path = Path(directory) / f"heads-{exported.statement.made_at:%Y%m%dT%H%M%S.%fZ}.json"
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    _store(path, exported)
    return path


def _store(path: Path, exported: HeadsFile) -> None:
    partial = path.with_name(f".{path.name}.part")
    try:
        with partial.open("wb") as file:
            os.fchmod(file.fileno(), 0o640)
            file.write(heads.encode(exported))
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
