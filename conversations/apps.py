from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConversationsConfig(AppConfig):
    name = "conversations"
    verbose_name = _("Conversations")

    def ready(self) -> None:
        from conversations import people_events  # noqa: F401, PLC0415 - makes its facts known
        from conversations.keeping.sweeping import named  # noqa: PLC0415
        from conversations.log import projectors, sounds  # noqa: PLC0415 - needs the app registry
        from conversations.projections.projector import project  # noqa: PLC0415
        from conversations.streams import CATEGORY  # noqa: PLC0415
        from voices.signals import voice_stopped  # noqa: PLC0415

        projectors.register(CATEGORY, project)
        sounds.register(CATEGORY, named)
        voice_stopped.connect(tell_sessions, dispatch_uid="tell sessions of voices")


def tell_sessions(*, voice_id: str, reason: str, **_: object) -> None:
    """A voice may not be used any more: who uses it looks at once."""
    from conversations.oversight import broadcast  # noqa: PLC0415 - needs the settings

    broadcast.tell_voice(voice_id, reason)
