"""What others must know of."""

from django.dispatch import Signal

voice_stopped = Signal()
"""Nothing may be said in this voice any more (``voice_id``: str, ``reason``: a short code), in mid-sentence too.

Sent after the fact is durable, in the process that wrote it. Who holds live sessions elsewhere asks
`voices.selectors.is_usable` as well.
"""
