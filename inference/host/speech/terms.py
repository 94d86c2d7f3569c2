"""What the router is given by others: the watermark, and what memory allows."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol

from inference.types import EngineStatus

WATERMARK = "watermark"
"""Its name among the engines."""


class Watermarker(Protocol):
    """Puts the mark into cloned sound."""

    @property
    def status(self) -> EngineStatus: ...

    def marked(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same sound with the mark, piece by piece; raises `EngineUnavailable` when it is away."""


class Allowance(Protocol):
    """What the memory gate says of speech."""

    @property
    def allows_speech(self) -> bool: ...

    @property
    def allows_clones(self) -> bool: ...

    async def permit(self, engine: str) -> None:
        """Returns when ``engine`` may be loaded; raises `EngineUnavailable`."""

    def using(self, engine: str) -> AbstractAsyncContextManager[None]:
        """Counts ``engine`` as used for the block; raises `EngineUnavailable` when it has to give way."""


class NoGate:
    """Allows everything."""

    allows_speech = True
    allows_clones = True

    async def permit(self, engine: str) -> None:
        """It may."""

    def using(self, engine: str) -> AbstractAsyncContextManager[None]:
        return nullcontext()
