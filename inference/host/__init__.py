"""The engine host: one process that owns a machine's models, memory and cores."""

import os

# numpy reads it when it is first imported, and that is soon. Its threads gain nothing on features of a few seconds, and
# spinning they cost each transcription as much processor again as the model (217 ms instead of 124), and 35 MB.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
