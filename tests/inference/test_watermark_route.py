"""Asking the host for the watermark: what may be sent, what comes back, and what is said when it is not there."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from inference.errors import AudioRefused, EngineUnavailable
from inference.host.routes import watermark as route
from inference.types import WIRE_RATE, EngineStatus, WatermarkFound
from tests.inference.served import served

FOUND = WatermarkFound(present=True, confidence=0.9, share=0.5)


class Detector:
    """Takes all sound and says `FOUND`."""

    status = EngineStatus(kind="watermark", model="perth", state="ready")

    def __init__(self) -> None:
        self.pieces: list[int] = []

    async def find(self, pcm: AsyncIterator[bytes]) -> WatermarkFound:
        async for piece in pcm:
            self.pieces.append(len(piece))
        return FOUND


def detecting(host: Any) -> Detector:
    host.detector = Detector()
    return host.detector  # type: ignore[no-any-return]


async def test_the_answer_is_told_and_the_sound_is_never_held_as_a_whole() -> None:
    pcm = bytes(100 * WIRE_RATE * 2)
    async with served() as host:
        detector = detecting(host.host)
        assert await host.client.detect_watermark(pcm) == FOUND
    assert sum(detector.pieces) == len(pcm)
    assert max(detector.pieces) < len(pcm) / 4


@pytest.mark.parametrize(("size", "says"), [(0, "PCM16"), (WIRE_RATE + 1, "PCM16"), (4 * WIRE_RATE, "ten minutes")])
async def test_what_cannot_be_searched_is_refused(size: int, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "_MOST_BYTES", 3 * WIRE_RATE)
    async with served() as host:
        detecting(host.host)
        with pytest.raises(AudioRefused, match=says):
            await host.client.detect_watermark(bytes(size))


async def test_a_host_without_a_detector_says_so() -> None:
    async with served() as host:
        with pytest.raises(EngineUnavailable, match="no watermark detector"):
            await host.client.detect_watermark(bytes(WIRE_RATE))
