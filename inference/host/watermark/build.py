"""The watermark's process: started with the host where voices are cloned, else when a recording is searched."""

from inference.choice import Choice
from inference.config import Config
from inference.host.changes import Changes
from inference.host.children.child import Child, Children
from inference.host.children.environment import Environment
from inference.host.children.place import folder_of
from inference.host.children.spec import Address, EngineSpec
from inference.host.speech.terms import WATERMARK
from inference.host.watermark.watermark import Watermark

MEMORY_BYTES = 560 * 1024**2
_LOAD_TIMEOUT_S = 180.0


def build_watermark(settings: Config, choice: Choice, changes: Changes, children: Children) -> Watermark:
    """``children`` gets its process."""
    folder = folder_of(settings)
    socket = folder / "watermark.sock"
    spec = EngineSpec(
        name=WATERMARK,
        kind="watermark",
        model="perth",
        environment=Environment("watermark", root=settings.engines_dir),
        argv=("-m", "inference.workers.watermark", str(socket)),
        address=Address(socket=socket),
        # One thread, for it shares the processor with everything else; numba would compile what is not used.
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_DISABLE_JIT": "1"},
        memory_bytes=MEMORY_BYTES,
        load_timeout_s=_LOAD_TIMEOUT_S,
        on_demand=not choice.may_clone,
    )
    return Watermark(children.add(Child(spec, changes, log_dir=folder)))
