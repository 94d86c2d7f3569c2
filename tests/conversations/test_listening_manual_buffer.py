"""Push-to-talk: the client says what a turn is, within bounds."""

import pytest

from conversations.realtime.listening.manual_buffer import (
    BYTES_PER_MS,
    MAX_APPENDS,
    MAX_BYTES,
    MAX_MS,
    BufferTooLarge,
    ManualBuffer,
    NothingToCommit,
)

SECOND = bytes(1_000 * BYTES_PER_MS)


def test_what_was_appended_is_committed_once() -> None:
    buffer = ManualBuffer()
    buffer.append(b"\x01\x02" * 4_000)
    buffer.append(b"\x03")
    buffer.append(b"\x04")
    assert buffer.commit() == b"\x01\x02" * 4_000 + b"\x03\x04"
    with pytest.raises(NothingToCommit):
        buffer.commit()


def test_less_than_a_tenth_of_a_second_is_nothing_and_stays() -> None:
    buffer = ManualBuffer()
    buffer.append(bytes(99 * BYTES_PER_MS))
    with pytest.raises(NothingToCommit, match="99 ms"):
        buffer.commit()
    buffer.append(bytes(BYTES_PER_MS))
    assert len(buffer.commit()) == 100 * BYTES_PER_MS


def test_clear_forgets() -> None:
    buffer = ManualBuffer()
    buffer.append(SECOND)
    buffer.clear()
    assert buffer.duration_ms == 0


def too_long(buffer: ManualBuffer) -> None:
    for _ in range(MAX_MS // 1_000):
        buffer.append(SECOND)
    buffer.append(bytes(BYTES_PER_MS))


def too_often(buffer: ManualBuffer) -> None:
    for _ in range(MAX_APPENDS + 1):
        buffer.append(b"\x00\x00")


def too_big(buffer: ManualBuffer) -> None:
    buffer.append(bytes(MAX_BYTES + 1))


@pytest.mark.parametrize(("overflow", "said"), [(too_long, "60 s"), (too_often, "1000 appends"), (too_big, "10 MB")])
def test_beyond_a_bound_the_buffer_is_cleared_says_so_and_takes_the_next_sound(overflow: object, said: str) -> None:
    buffer = ManualBuffer()
    with pytest.raises(BufferTooLarge, match=said):
        overflow(buffer)  # type: ignore[operator]
    assert buffer.duration_ms == 0
    for _ in range(MAX_APPENDS):
        buffer.append(bytes(BYTES_PER_MS))
    assert len(buffer.commit()) == MAX_APPENDS * BYTES_PER_MS


def test_the_bounds_themselves_are_allowed() -> None:
    buffer = ManualBuffer()
    for _ in range(MAX_MS // 1_000):
        buffer.append(SECOND)
    assert len(buffer.commit()) == MAX_MS * BYTES_PER_MS
