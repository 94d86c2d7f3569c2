"""What can go wrong with a voice."""

from common.refusals import Invalid, NotAllowed, NotFound, Refused, TooMany, WrongState

__all__ = ["Invalid", "NotAllowed", "Refused", "TooMany", "VoiceNotFound", "VoiceNotUsable", "WrongState"]


class VoiceNotFound(NotFound):
    """There is no such voice, or it is another's."""

    what = "voice"


class VoiceNotUsable(Refused):
    """Nothing can be said in this voice for this person, now (HTTP 409)."""

    code = "voice_not_usable"
