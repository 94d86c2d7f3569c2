"""What an engine says, kept within bounds and without people's words."""

import re
from collections import deque
from contextlib import suppress
from pathlib import Path

_MOST_BYTES = 256 * 1024
_LONGEST_LINE = 2000
_LAST_LINES = 40
_COMPLAINT_CHARACTERS = 300
OURS = "avatar: "
"""A line that begins so was written by a worker of ours, which puts no words into it."""
_FRAME = re.compile(r'^\s*File "[^"]+", line \d+, in [\w.<>]+$')
_EXCEPTION = re.compile(r"^(?:[\w.]+\.)?\w*(?:Error|Exception|Interrupt|Exit)(?=[:\s]|$)")
_LEVEL = re.compile(r"\b(?:WARNING|ERROR|CRITICAL)\b(?:[ \d:.,-]*\[[\w./:-]+\])?")
_WRONG = re.compile(r"error|fail|cannot|not found|no space|denied|killed|out of memory", re.IGNORECASE)


def without_words(line: str) -> str:
    """What of a line can hold nothing that a person said; empty when nothing is left.

    Messages of exceptions and log lines may quote a prompt, so of them only the kind and the place stay.
    """
    if line.startswith(OURS) or _FRAME.match(line):
        return line
    if found := _EXCEPTION.match(line):
        return found.group()
    if found := _LEVEL.search(line):
        return found.group()
    return ""


class Output:
    """The last lines of one engine, over all its lives, in memory and in a file of at most twice 256 KB.

    While `trusted` (it loads, and nobody has spoken to it) lines are kept whole, later `without_words`.
    """

    def __init__(self, file: Path) -> None:
        self.trusted = True
        self.file = file
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        self._rest = ""

    def begin(self, what: str) -> None:
        """A new life: its lines are kept whole again, and complaints of earlier ones are forgotten."""
        self.trusted = True
        self._last.clear()
        self._rest = ""
        self._keep(f"--- {what}")

    def take(self, data: bytes) -> None:
        """Bytes as they come; a line ends with a newline or, for progress bars, a carriage return."""
        *lines, rest = re.split(r"[\r\n]+", self._rest + data.decode(errors="replace"))
        self._rest = rest[-_LONGEST_LINE:]
        for line in lines:
            self._keep(line[:_LONGEST_LINE].rstrip() if self.trusted else without_words(line[:_LONGEST_LINE].rstrip()))

    @property
    def last(self) -> str:
        """The last line; empty before the first."""
        return self._last[-1] if self._last else ""

    @property
    def complaint(self) -> str:
        """What it said of errors, for people; may be empty."""
        wrong = [line.strip() for line in self._last if _WRONG.search(line)]
        return wrong[-1][:_COMPLAINT_CHARACTERS] if wrong else ""

    def _keep(self, line: str) -> None:
        if not line:
            return
        self._last.append(line)
        with suppress(OSError):  # a disk that is full ends no engine
            self._write(line)

    def _write(self, line: str) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.file.exists() and self.file.stat().st_size > _MOST_BYTES:
            self.file.replace(older(self.file))
        with self.file.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def older(file: Path) -> Path:
    """Where the lines before those in ``file`` are."""
    return file.with_name(file.name + ".1")
