"""Gives back to the system what loading a model left behind."""

import ctypes
import gc
import logging

logger = logging.getLogger(__name__)


def release_garbage() -> None:
    """Parsing lexicons leaves tens of megabytes of free memory that the C library would keep for itself."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        logger.debug("this C library has no malloc_trim")
