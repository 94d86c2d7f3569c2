"""Web processes import the client: it must bring no numeric library and no framework with it."""

import subprocess
import sys

from tests.engine_host import ROOT


def test_importing_the_client_brings_nothing_heavy() -> None:
    code = "import sys, inference.client; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"numpy", "ctranslate2", "onnxruntime", "faster_whisper", "av", "xllamacpp", "django"}
