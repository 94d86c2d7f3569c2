"""GNU OpenMP for llama.cpp where the system has none.

The xllamacpp wheel expects the system's ``libgomp.so.1``, which a bare Debian lacks; the CTranslate2 wheel carries one
under a name of its own. A link by the expected name, in a folder that the dynamic loader is told of, joins the two.
"""

import ctypes
import importlib.util
import os
from pathlib import Path

LIBRARY = "libgomp.so.1"


def environment(folder: Path) -> dict[str, str]:
    """What a child process that loads llama.cpp needs in its environment; nothing where the system has OpenMP.

    ``folder`` is where the link is kept.
    """
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        bundled = _bundled()
        if bundled is None:
            return {}
        folder.mkdir(parents=True, exist_ok=True)
        link = folder / LIBRARY
        if not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(bundled)
        paths = [str(folder), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
        return {"LD_LIBRARY_PATH": os.pathsep.join(paths)}
    return {}


def _bundled() -> Path | None:
    spec = importlib.util.find_spec("ctranslate2")
    if spec is None or not spec.origin:
        return None
    libraries = Path(spec.origin).parent.parent / "ctranslate2.libs"
    return next(iter(sorted(libraries.glob("libgomp-*.so*"))), None)
