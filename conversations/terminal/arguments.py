"""What a command's arguments may be: refused before any work is done, not after it."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path


def file_to_write(text: str) -> Path:
    """A file that can be written: its folder is there, and it is no folder itself."""
    path = Path(text)
    if not path.parent.is_dir():
        raise ArgumentTypeError(f"there is no folder {path.parent} to write {path.name} to")
    if path.is_dir():
        raise ArgumentTypeError(f"{path} is a folder, not a file")
    return path


def whole(*, least: int) -> Callable[[str], int]:
    """A whole number of so many or more."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise ArgumentTypeError(f"{text!r} is no whole number from {least} on")
        return number

    return parse
