"""torchaudio's compiled parts are CUDA's; F5-TTS needs those in Python only."""

import importlib.util
from pathlib import Path

spec = importlib.util.find_spec("torchaudio")
if spec is None or spec.origin is None:
    raise SystemExit("torchaudio is not installed")
for library in (Path(spec.origin).parent / "lib").glob("*.so"):
    library.unlink()
