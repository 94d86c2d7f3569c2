"""Word error rate of our speech-to-text beside stock faster-whisper's, on recorded speech with known words.

    python -m inference.accuracy --pocketsphinx --prompts --manifest clips.json

Sources: Debian's pocketsphinx-testdata (audiobook, numbers, commands), Debian's asterisk-core-sounds-en-g722 (a person
reading telephone prompts), and any manifest ``{"clips": [{"path", "text", "language"}]}``. Both engines have the same
model, threads and language; stock is `faster_whisper.WhisperModel.transcribe` as it comes (beam of 5, 30 s window).
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
from faster_whisper import WhisperModel

from inference.accuracy_clips import Clip, manifest, pocketsphinx, prompts
from inference.accuracy_text import edits, units
from inference.catalogue import locate
from inference.engines.base import Audio
from inference.engines.whisper import WhisperEngine

Recognise = Callable[[Audio, str], str]


class Score(msgspec.Struct):
    """Sums over clips of one source and language."""

    units: int = 0
    errors: int = 0
    seconds: list[float] = msgspec.field(default_factory=list)

    def add(self, clip: Clip, text: str, took_s: float) -> None:
        reference = units(clip.text, clip.language)
        self.units += len(reference)
        self.errors += edits(reference, units(text, clip.language))
        self.seconds.append(took_s)

    @property
    def rate(self) -> float:
        """Errors per hundred words (characters, for Chinese)."""
        return 100.0 * self.errors / self.units if self.units else 0.0


def measure(clips: Sequence[Clip], recognise: Recognise, say: Callable[[str], None]) -> dict[str, Score]:
    """Runs every clip once; keys are the sources. ``say`` is told each clip that was not heard exactly."""
    scores: dict[str, Score] = {}
    for clip in clips:
        begun = time.perf_counter()
        text = recognise(clip.audio, clip.language)
        took = time.perf_counter() - begun
        scores.setdefault(clip.source, Score()).add(clip, text, took)
        if units(clip.text, clip.language) != units(text, clip.language):
            say(f"  {clip.name}: {clip.text} | {text}")
    return scores


def ours(model_dir: Path, threads: int) -> Recognise:
    engine = WhisperEngine(model_dir, threads)
    engine.load(lambda _: None)
    return lambda audio, language: engine.transcribe(audio, language=language).text


def stock(model_dir: Path, threads: int) -> Recognise:
    model = WhisperModel(str(model_dir), device="cpu", compute_type="int8", cpu_threads=threads)

    def recognise(audio: Audio, language: str) -> str:
        segments, _ = model.transcribe(audio, language=language.split("-", maxsplit=1)[0])
        return "".join(segment.text for segment in segments)

    return recognise


def table(results: dict[str, dict[str, Score]]) -> str:
    """Rows: each source, then all words together (Chinese is counted in characters, in a row of its own)."""
    lines = [f"{'source':<28}{'words':>7}" + "".join(f"{name + ' %':>10}{'median ms':>11}" for name in results)]
    sources = list(next(iter(results.values())))
    for source in [*sources, ""]:
        rows = [[score for key, score in scores.items() if _in_row(key, source)] for scores in results.values()]
        if not rows[0]:
            continue
        cells = ""
        for row in rows:
            total = Score(sum(s.units for s in row), sum(s.errors for s in row), [t for s in row for t in s.seconds])
            cells += f"{total.rate:>10.2f}{np.median(total.seconds) * 1000:>11.0f}"
        lines.append(f"{source or 'all words':<28}{sum(s.units for s in rows[0]):>7}{cells}")
    return "\n".join(lines)


def _in_row(source: str, row: str) -> bool:
    return source == row if row else not source.endswith("(characters)")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m inference.accuracy", description=__doc__)
    parser.add_argument("--manifest", type=Path, action="append", default=[], help="JSON with clips; may be repeated")
    parser.add_argument("--pocketsphinx", action="store_true", help="Debian's pocketsphinx-testdata")
    parser.add_argument("--prompts", nargs="?", type=Path, const=Path("/usr/share"), metavar="SHARE")
    parser.add_argument("--every", type=int, default=1, help="take each n-th of the prompts only")
    parser.add_argument("--model", default="whisper-base", help="a name of the catalogue, or a folder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--verbose", action="store_true", help="show what was heard otherwise")
    options = parser.parse_args(arguments)
    clips = [clip for path in options.manifest for clip in manifest(path)]
    if options.pocketsphinx:
        clips += pocketsphinx()
    if options.prompts:
        clips += prompts(options.prompts)[:: options.every]
    if not clips:
        parser.error("name a source: --pocketsphinx, --prompts or --manifest FILE")
    folder = Path(options.model) if Path(options.model).is_dir() else locate(options.model)
    write: Callable[[str], None] = _line if options.verbose else (lambda _: None)
    results: dict[str, dict[str, Score]] = {}
    for name, make in (("ours", ours), ("stock", stock)):
        write(f"{name}:")
        results[name] = measure(clips, make(folder, options.threads), write)
    _line(table(results))
    return 0


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
