"""Names of files that are handed out."""

import re
import unicodedata
from urllib.parse import quote

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]+')
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ._-]+")
_LONGEST = 80


def attachment(name: str, ending: str) -> str:
    """A Content-Disposition (RFC 6266): the name as it is, and for old clients what ASCII has of it."""
    safe = _UNSAFE.sub(" ", name)
    safe = " ".join(safe.split()).strip(" .")[:_LONGEST].rstrip(" .") or "conversation"
    plain = _NOT_PLAIN.sub("", unicodedata.normalize("NFKD", safe))
    plain = " ".join(plain.split()).strip(" .-") or "conversation"
    return f"attachment; filename=\"{plain}.{ending}\"; filename*=UTF-8''{quote(f'{safe}.{ending}', safe='')}"
