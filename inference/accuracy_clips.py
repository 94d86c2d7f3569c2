"""Recorded speech with its words, from Debian packages and manifests."""

import gzip
import re
from pathlib import Path

import av
import msgspec
import numpy as np

from inference.audio.decode import decode
from inference.audio.pcm import to_float
from inference.engines.base import Audio
from inference.types import STT_RATE

_SPHINX = Path("/usr/share/pocketsphinx/test/data")
_LINE = re.compile(r"<s>\s*(?P<text>.*?)\s*</s>\s*\((?P<name>.*?)\)")
_RAW = (
    ("goforward.raw", "go forward ten meters"),
    ("something.raw", "go somewhere and do something"),
    ("tidigits/dhd.2934z.raw", "two nine three four zero"),
)
_LEAST_PROMPT_WORDS = 6


class Clip(msgspec.Struct, frozen=True):
    """``audio``: float32, mono, `STT_RATE`; ``source`` groups clips in the result."""

    source: str
    name: str
    text: str
    language: str
    audio: Audio


class _ManifestClip(msgspec.Struct, frozen=True):
    path: str
    text: str
    language: str = "en"


class _Manifest(msgspec.Struct, frozen=True):
    clips: tuple[_ManifestClip, ...]


def manifest(path: Path) -> list[Clip]:
    """``{"clips": [{"path", "text", "language"}]}``; paths are relative to the file. Any audio format."""
    clips = []
    for item in msgspec.json.decode(path.read_bytes(), type=_Manifest).clips:
        audio = to_float(decode((path.parent / item.path).read_bytes(), rate=STT_RATE).pcm)
        chinese = item.language.startswith("zh")
        source = f"{path.stem} (characters)" if chinese else path.stem
        clips.append(Clip(source, item.path, item.text, item.language, audio))
    return clips


def pocketsphinx(folder: Path = _SPHINX) -> list[Clip]:
    """What Debian's pocketsphinx-testdata holds as sound with its words: about a hundred."""
    if not folder.is_dir():
        raise SystemExit(f"{folder} is not there: apt-get install pocketsphinx-testdata")
    clips = []
    for transcription, part in (("librivox/transcription", "librivox"), ("cards/cards.transcription", "cards")):
        for line in (folder / transcription).read_text(encoding="utf-8").splitlines():
            if match := _LINE.match(line):
                data = (folder / part / f"{match['name']}.wav").read_bytes()
                audio = to_float(decode(data, rate=STT_RATE).pcm)
                clips.append(Clip("pocketsphinx", match["name"], match["text"], "en", audio))
    for name, text in _RAW:
        clips.append(Clip("pocketsphinx", name, text, "en", to_float((folder / name).read_bytes())))
    return clips


def prompts(share: Path = Path("/usr/share")) -> list[Clip]:
    """Sentences of six words and more from Debian's asterisk-core-sounds-en(-g722), with Digium's own transcripts."""
    script = share / "doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"
    if not script.is_file():
        raise SystemExit(f"{script} is not there: apt-get install asterisk-core-sounds-en asterisk-core-sounds-en-g722")
    clips = []
    for line in gzip.decompress(script.read_bytes()).decode("utf-8", errors="replace").splitlines():
        name, colon, text = line.partition(":")
        file = share / "asterisk/sounds/en_US_f_Allison" / f"{name.strip()}.g722"
        spoken = colon and not name.startswith(";") and not re.search(r"[\[(]", text)
        if spoken and len(text.split()) >= _LEAST_PROMPT_WORDS and file.is_file():
            clips.append(Clip("prompts", name.strip(), text.strip(), "en", _g722(file)))
    return clips


def _g722(path: Path) -> Audio:
    """G.722 has no header, so it is no format to take from strangers; these files come with the system."""
    with av.open(str(path), "r", format="g722") as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=STT_RATE)
        pieces = [
            np.asarray(piece.to_ndarray()).reshape(-1)
            for frame in container.decode(container.streams.audio[0])
            for piece in resampler.resample(frame)
        ]
    return np.concatenate(pieces).astype(np.float32) / np.float32(32768)
