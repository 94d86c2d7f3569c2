"""A stream cut into blocks to be marked comes out whole, early, and without seams, whatever its pieces are."""

import numpy as np
import pytest

from inference.host.watermark.blocks import AHEAD_S, BLOCK_S, CONTEXT_S, FIRST_S, Blocks, Window
from inference.types import WIRE_RATE

_BYTES_PER_S = WIRE_RATE * 2


def noise(seconds: float) -> bytes:
    return np.random.default_rng(0).integers(-9000, 9000, int(seconds * WIRE_RATE)).astype("<i2").tobytes()


def through(pcm: bytes, piece: int, mark=lambda window: window) -> tuple[bytes, list[Window]]:  # type: ignore[no-untyped-def]
    """What comes out of ``pcm`` fed in pieces of so many bytes, and the windows that were marked."""
    blocks, out, windows = Blocks(), b"", []
    for at in range(0, len(pcm), piece):
        for window in blocks.feed(pcm[at : at + piece]):
            windows.append(window)
            out += blocks.take(window, mark(window.pcm))
    for window in blocks.finish():
        windows.append(window)
        out += blocks.take(window, mark(window.pcm))
    return out, windows


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.3, 0.5, 0.7, 0.71, 2.9, 7.77])
@pytest.mark.parametrize("piece", [960, 1001, 100_000, 10_000_000])
def test_what_goes_in_comes_out(seconds: float, piece: int) -> None:
    pcm = noise(seconds)
    out, windows = through(pcm, piece)
    assert out == pcm
    assert sum(window.end - window.start for window in windows) == len(pcm)


def test_the_first_block_waits_for_little_and_the_others_are_long() -> None:
    blocks = Blocks()
    needed = round((FIRST_S + AHEAD_S) * WIRE_RATE) * 2
    assert not list(blocks.feed(noise(1.0)[: needed - 2]))
    (first,) = blocks.feed(b"\0\0")
    assert first.end - first.start == round(FIRST_S * WIRE_RATE) * 2
    _, windows = through(noise(10.0), 100_000)
    assert [window.end - window.start for window in windows[1:-1]] == [round(BLOCK_S * WIRE_RATE) * 2] * 4


def test_each_block_is_marked_with_the_sound_about_it() -> None:
    pcm = noise(6.0)
    _, windows = through(pcm, 4_800)
    at = 0
    for window in windows:
        block = window.end - window.start
        before = min(at, round(CONTEXT_S * WIRE_RATE) * 2)
        after = min(len(pcm) - at - block, round(AHEAD_S * WIRE_RATE) * 2)
        assert window.pcm == pcm[at - before : at + block + after]
        assert window.start == before
        at += block


def test_where_blocks_do_not_agree_one_is_faded_into_the_other() -> None:
    """Blocks that are marked each in another way would click where they meet."""
    levels = iter((1000, 3000, 5000, 7000))

    def mark(window: bytes) -> bytes:
        return np.full(len(window) // 2, next(levels), "<i2").tobytes()

    out, windows = through(noise(5.0), 4_800, mark)
    assert len(windows) == 4
    steps = np.abs(np.diff(np.frombuffer(out, "<i2").astype(int)))
    assert steps.max() < 20
    assert len(out) == 5 * _BYTES_PER_S


def test_half_a_sample_at_the_end_is_left_out() -> None:
    pcm = noise(1.0)
    assert through(pcm + b"\x07", 999)[0] == pcm
