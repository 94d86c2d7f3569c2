"""Voice activity, which voices need too: `inference.audio.vad`."""

from inference.audio.vad import CONTEXT_SAMPLES as CONTEXT_SAMPLES  # noqa: PLC0414
from inference.audio.vad import FRAME_MS as FRAME_MS  # noqa: PLC0414
from inference.audio.vad import FRAME_SAMPLES as FRAME_SAMPLES  # noqa: PLC0414
from inference.audio.vad import STATE_SIZE as STATE_SIZE  # noqa: PLC0414
from inference.audio.vad import Samples as Samples  # noqa: PLC0414
from inference.audio.vad import SileroStream as SileroStream  # noqa: PLC0414
from inference.audio.vad import SileroVad as SileroVad  # noqa: PLC0414
from inference.audio.vad import VadModel as VadModel  # noqa: PLC0414
from inference.audio.vad import VadStream as VadStream  # noqa: PLC0414
from inference.audio.vad import load as load  # noqa: PLC0414
