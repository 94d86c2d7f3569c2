"""A log that was changed behind its own back: what reading such an event raises, and what is said of it."""

import binascii

import msgspec

from conversations.log.crypto import BoxDamaged

DAMAGE = (BoxDamaged, binascii.Error, msgspec.MsgspecError)
"""A box that does not open, or content that is not what this type of event holds."""
DAMAGED = "the log itself is damaged here, so the rows stay as they are: `manage.py verify_chain` names the event"
