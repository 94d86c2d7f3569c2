"""Sound is stored encrypted, read by ranges, and never accepted when changed."""

import os
from pathlib import Path
from uuid import uuid4

import pytest

from conversations.log.audio import CHUNK, AudioStore
from conversations.log.errors import AudioDamaged, AudioMissing
from conversations.log.keys import DataKey

KEY = DataKey(uuid4(), bytes(range(32)))


def find(key_id: object) -> DataKey | None:
    return KEY if key_id == KEY.id else None


@pytest.fixture
def store(tmp_path: Path) -> AudioStore:
    return AudioStore(tmp_path / "audio")


def _file(store: AudioStore, audio_id: str) -> Path:
    return store.root / audio_id[:2] / audio_id


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7])
def test_it_comes_back_whole_and_by_ranges(store: AudioStore, length: int) -> None:
    plain = os.urandom(length)
    audio = store.open(store.write(KEY, plain), find)
    assert audio.length == length
    assert audio.read() == plain
    edges = sorted({0, 1, CHUNK - 1, CHUNK, CHUNK + 1, length - 1, length, length + 5} - {-1})
    for start in edges:
        for stop in edges:
            assert audio.read(start, stop) == plain[start:stop]


def test_a_range_needs_only_its_own_chunks(store: AudioStore) -> None:
    plain = os.urandom(5 * CHUNK)
    audio_id = store.write(KEY, plain)
    path = _file(store, audio_id)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    audio = store.open(audio_id, find)
    assert audio.read(CHUNK, 4 * CHUNK) == plain[CHUNK : 4 * CHUNK]
    with pytest.raises(AudioDamaged, match="Chunk 4"):
        audio.read(4 * CHUNK)


def test_nothing_of_the_sound_is_on_disk_in_clear(store: AudioStore) -> None:
    plain = b"a voice that belongs to somebody" * 1000
    path = _file(store, store.write(KEY, plain))
    assert b"belongs" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in path.parent.iterdir()] == [path.name], "no partial file stays"


def test_a_file_in_another_ones_place_is_refused(store: AudioStore) -> None:
    first, second = store.write(KEY, b"one" * 100), store.write(KEY, b"two" * 100)
    _file(store, first).write_bytes(_file(store, second).read_bytes())
    with pytest.raises(AudioDamaged):
        store.open(first, find).read()


def test_a_cut_file_is_refused(store: AudioStore) -> None:
    audio_id = store.write(KEY, os.urandom(2 * CHUNK))
    path = _file(store, audio_id)
    path.write_bytes(path.read_bytes()[: -CHUNK - 16])
    with pytest.raises(AudioDamaged):
        store.open(audio_id, find)
    path.write_bytes(b"short")
    with pytest.raises(AudioDamaged):
        store.open(audio_id, find)


def test_chunks_cannot_be_swapped(store: AudioStore) -> None:
    audio_id = store.write(KEY, os.urandom(2 * CHUNK))
    path = _file(store, audio_id)
    content, box = path.read_bytes(), CHUNK + 16
    path.write_bytes(content[: -2 * box] + content[-box:] + content[-2 * box : -box])
    with pytest.raises(AudioDamaged):
        store.open(audio_id, find).read()


def test_without_its_key_or_its_file_it_is_gone(store: AudioStore) -> None:
    audio_id = store.write(KEY, b"sound")
    with pytest.raises(AudioMissing, match="erased"):
        store.open(audio_id, lambda _key: None)
    assert store.delete(audio_id)
    assert not store.delete(audio_id)
    for missing in (audio_id, "../../etc/passwd", "", "f" * 33):
        with pytest.raises(AudioMissing):
            store.open(missing, find)
