"""An engine is loaded once however many ask; a failed load is told, and tried again until it works."""

import asyncio
import threading

import pytest

from inference.catalogue.errors import ModelMissing
from inference.errors import EngineError, EngineUnavailable
from inference.host.changes import Changes
from inference.host.slot import EngineSlot
from tests.inference.fake_engines import FakeEngine


def slot_of(engine: FakeEngine, changes: Changes | None = None) -> EngineSlot[FakeEngine]:
    return EngineSlot("stt", "whisper-base", lambda: engine, {"cores": 1}, changes or Changes(), first_retry_s=0.01)


async def test_ten_first_calls_wait_for_one_load() -> None:
    engine = FakeEngine(may_load=threading.Event())
    slot = slot_of(engine)
    load = asyncio.create_task(slot.load(asyncio.Lock()))
    calls = [asyncio.create_task(slot.get()) for _ in range(10)]
    await asyncio.sleep(0.01)
    assert not any(call.done() for call in calls)
    assert engine.may_load is not None
    engine.may_load.set()
    assert await asyncio.gather(*calls) == [engine] * 10
    await load
    assert engine.loads == 1
    assert slot.status.state == "ready"


async def test_a_failed_load_is_told_and_tried_again() -> None:
    engine = FakeEngine(faults=[EngineError("model.bin is damaged."), RuntimeError("out of memory")])
    changes = Changes()
    slot = slot_of(engine, changes)
    told: list[tuple[str, str]] = []
    with changes.watch() as changed:
        load = asyncio.create_task(slot.load(asyncio.Lock()))
        while slot.status.state != "ready":
            changed.clear()
            await changed.wait()
            told.append((slot.status.state, slot.status.detail))
    await load
    failed = [detail for state, detail in told if state == "failed"]
    assert len(failed) == 2
    assert "model.bin is damaged." in failed[0]
    assert "out of memory" in failed[1]
    assert slot.status.detail == ""


async def test_a_call_while_the_engine_has_failed_is_told_why_at_once() -> None:
    slot = slot_of(FakeEngine(faults=[EngineError("model.bin is damaged.")] * 1000))
    load = asyncio.create_task(slot.load(asyncio.Lock()))
    for _ in range(2):
        with pytest.raises(EngineUnavailable, match=r"model\.bin is damaged"):
            await slot.get()
    load.cancel()


async def test_a_missing_model_is_absent_and_the_message_names_the_command() -> None:
    slot = slot_of(FakeEngine(faults=[ModelMissing("whisper-base", "manage.py models pull whisper-base")]))
    load = asyncio.create_task(slot.load(asyncio.Lock()))
    with pytest.raises(EngineUnavailable, match=r"manage\.py models pull whisper-base"):
        await slot.get()
    assert slot.status.state == "absent"
    load.cancel()


async def test_engines_load_one_after_the_other_in_the_order_given() -> None:
    engines = [FakeEngine(may_load=threading.Event()) for _ in range(3)]
    slots = [slot_of(engine) for engine in engines]
    turns = asyncio.Lock()
    loads = [asyncio.create_task(slot.load(turns)) for slot in slots]
    for position, engine in enumerate(engines):
        assert engine.may_load is not None
        engine.may_load.set()
        await loads[position]
        assert [other.loads for other in engines[position + 2 :]] == [0] * len(engines[position + 2 :])
    assert [engine.loads for engine in engines] == [1, 1, 1]


async def test_progress_is_told_while_it_loads() -> None:
    engine = FakeEngine(may_load=threading.Event())
    changes = Changes()
    slot = slot_of(engine, changes)
    load = asyncio.create_task(slot.load(asyncio.Lock()))
    with changes.watch() as changed:
        async with asyncio.timeout(5):
            while slot.status.progress != 0.5:
                changed.clear()
                await changed.wait()
    assert engine.may_load is not None
    engine.may_load.set()
    await load
    assert slot.status.progress is None


async def test_an_unloaded_engine_is_told_as_such_and_loaded_again_when_wanted() -> None:
    slot = slot_of(FakeEngine())
    await slot.load(asyncio.Lock())
    await slot.unload()
    assert (slot.engine, slot.status.state) == (None, "unloaded")
    with pytest.raises(EngineUnavailable, match="whisper-base is not loaded now"):
        await slot.get()
    await slot.load(asyncio.Lock())
    assert (slot.status.state, slot.loads) == ("ready", 2)


async def test_what_is_unloaded_while_it_loads_stays_away() -> None:
    engine, lock = FakeEngine(may_load=threading.Event()), asyncio.Lock()
    slot = slot_of(engine)
    load = asyncio.create_task(slot.load(lock))
    await asyncio.sleep(0.01)
    await slot.unload()
    assert slot.status.state == "unloaded"
    assert engine.may_load is not None
    engine.may_load.set()
    await load
    assert (slot.engine, slot.status.state) == (None, "unloaded")
    await slot.load(lock)
    assert slot.engine is engine


async def test_what_is_unloaded_between_two_tries_is_not_tried_again() -> None:
    engine = FakeEngine(faults=[EngineError("model.bin is damaged.")] * 1000)
    slot = slot_of(engine)
    load = asyncio.create_task(slot.load(asyncio.Lock()))
    await asyncio.sleep(0.05)
    await slot.unload()
    async with asyncio.timeout(5):
        await load
    assert slot.status.state == "unloaded"


async def test_two_that_want_it_loaded_load_it_once() -> None:
    engine, turns = FakeEngine(may_load=threading.Event()), asyncio.Lock()
    slot = slot_of(engine)
    loads = [asyncio.create_task(slot.load(turns)) for _ in range(3)]
    await asyncio.sleep(0.01)
    assert engine.may_load is not None
    engine.may_load.set()
    await asyncio.gather(*loads)
    assert engine.loads == 1
    assert slot.status.state == "ready"
