"""The small modules on their own, in the browser they are made for."""

import pytest

from tests.browser.conftest import OpenChat
from tests.server import Stack

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.asyncio(loop_scope="session")]
DIRECTORY = "/static/js"


async def test_the_resampler_keeps_a_tone_and_removes_what_does_not_fit(web: Stack, open_chat: OpenChat) -> None:
    chat = await (await open_chat(web)).open()
    measured = await chat.page.evaluate(
        """async (directory) => {
          const { Resampler } = await import(`${directory}/worklets/resampler.js`);
          const level = (rate, tone) => {
            const resampler = new Resampler(rate, 24000);
            const out = [];
            for (let block = 0; block < rate / 128; block++) {
              const wave = (_, i) => Math.sin((2 * Math.PI * tone * (block * 128 + i)) / rate);
              const input = Float32Array.from({ length: 128 }, wave);
              out.push(...resampler.feed(input));
            }
            const steady = out.slice(2000, -2000);
            const rms = Math.sqrt(steady.reduce((sum, x) => sum + x * x, 0) / steady.length);
            return { length: out.length, rms };
          };
          return {
            "48000": [level(48000, 1000), level(48000, 15000)],
            "44100": [level(44100, 3000), level(44100, 15000)],
            "16000": [level(16000, 1000)],
            "24000": [level(24000, 1000)],
          };
        }""",
        DIRECTORY,
    )
    for rate, levels in measured.items():
        assert abs(levels[0]["length"] - 24_000) < 200, rate
        assert levels[0]["rms"] == pytest.approx(0.7071, rel=0.01), rate
        if len(levels) > 1:
            assert levels[1]["rms"] < 0.003, rate


async def test_sound_survives_base64_whatever_its_length(web: Stack, open_chat: OpenChat) -> None:
    chat = await (await open_chat(web)).open()
    for native in (True, False):
        same = await chat.page.evaluate(
            """async ([directory, native]) => {
              if (!native) { delete Uint8Array.prototype.toBase64; delete Uint8Array.fromBase64; }
              const { fromBase64, toBase64 } = await import(`${directory}/chat/pcm.js`);
              return [0, 1, 2, 3, 768, 40001].every((length) => {
                const pcm = Int16Array.from({ length }, (_, i) => (i * 7919) % 65536 - 32768);
                const back = fromBase64(toBase64(pcm.buffer));
                return back.length === length && back.every((x, i) => x === pcm[i]);
              });
            }""",
            [DIRECTORY, native],
        )
        assert same


async def test_a_timeline_knows_the_sentence_and_where_it_was_cut(web: Stack, open_chat: OpenChat) -> None:
    chat = await (await open_chat(web)).open()
    told = await chat.page.evaluate(
        """async (directory) => {
          const { Timeline } = await import(`${directory}/chat/timeline.js`);
          const line = new Timeline();
          line.addDelta("One ", 0);
          line.addDelta("two.", 0);
          line.addDelta(" Three four.", 1000);
          line.addDelta(" Five.", 2000);
          const cut = line.parts(1500, 3000);
          const exact = new Timeline();
          exact.addDelta("One.", 0);
          exact.addSentence("One.", 0);
          exact.addSentence(" Two.", 700);
          exact.addDelta("Two.", 0);
          const again = new Timeline();
          again.addSentence("One.", 0, 0);
          again.addSentence(" Two.", 700, 1);
          again.addSentence(" Three.", 1500, 2);
          again.addSentence(" Two.", 1000, 1);
          const anew = { text: again.text, at: [500, 1200, 1600].map((ms) => again.at(ms)) };
          again.addSentence(" Three.", 1800, 2);
          anew.at.push(again.at(1900));
          const at = [0, 999, 1000, 2500].map((ms) => line.at(ms));
          return { at, cut, text: line.text, exact: exact.sentences, anew };
        }""",
        DIRECTORY,
    )
    assert told["at"] == [0, 0, 1, 2]
    assert told["text"] == "One two. Three four. Five."
    assert [(part["text"], part["heard"]) for part in told["cut"]] == [
        ("One two.", True),
        (" Three", True),
        (" four.", False),
        (" Five.", False),
    ]
    assert told["exact"] == [{"text": "One.", "startMs": 0}, {"text": " Two.", "startMs": 700}]
    assert told["anew"] == {"text": "One. Two. Three.", "at": [0, 1, 1, 2]}, "said again is not written again"


async def test_waiting_grows_to_a_bound_and_is_spread(web: Stack, open_chat: OpenChat) -> None:
    chat = await (await open_chat(web)).open()
    waits = await chat.page.evaluate(
        """async (directory) => {
          const { Backoff } = await import(`${directory}/chat/backoff.js`);
          const least = new Backoff(() => 0), most = new Backoff(() => 1);
          const waits = [least, most].map((backoff) => Array.from({ length: 9 }, () => backoff.next()));
          most.reset();
          return [...waits, most.next()];
        }""",
        DIRECTORY,
    )
    assert waits[0][:3] == [250, 500, 1000]
    assert waits[1][:3] == [500, 1000, 2000]
    assert (waits[0][-1], waits[1][-1]) == (15_000, 30_000)
    assert waits[2] == 500


async def test_a_recording_gives_back_what_was_said_and_forgets_in_time(web: Stack, open_chat: OpenChat) -> None:
    chat = await (await open_chat(web)).open()
    told = await chat.page.evaluate(
        """async (directory) => {
          const { Recording } = await import(`${directory}/chat/recording.js`);
          const { Sounds } = await import(`${directory}/chat/sounds.js`);
          let now = 5000;
          const recording = new Recording(() => now);
          for (let i = 0; i < 10; i++) { now += 100; recording.add(new Int16Array(2400).fill(i)); }
          const cut = recording.cut(250, 450);
          const moment = recording.momentOf(950);
          for (let i = 0; i < 1000; i++) recording.add(new Int16Array(2400));
          const sounds = new Sounds(100);
          for (const line of ["a", "b", "c"]) sounds.add(line, new Int16Array(40).fill(1));
          sounds.cut("c", 10);
          return {
            cut: [cut.length, cut[0], cut.at(-1)],
            moment,
            kept: recording.pieces.length,
            old: recording.cut(0, 1000).length,
            lines: ["a", "b", "c"].map((line) => sounds.of(line).reduce((n, p) => n + p.length, 0)),
            total: sounds.total,
          };
        }""",
        DIRECTORY,
    )
    assert told["cut"] == [4800, 2, 4]
    assert told["moment"] == 5950
    assert told["kept"] <= 902
    assert told["old"] == 0
    assert told["lines"] == [0, 40, 10]
    assert told["total"] == 50
