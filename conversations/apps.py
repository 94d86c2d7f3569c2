from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConversationsConfig(AppConfig):
    name = "conversations"
    verbose_name = _("Conversations")

    def ready(self) -> None:
        from conversations import people_events  # noqa: F401, PLC0415 - makes its facts known
        from conversations.events import FACTS  # noqa: PLC0415
        from conversations.log import projectors  # noqa: PLC0415 - needs the app registry
        from conversations.projections.projector import project  # noqa: PLC0415
        from conversations.streams import CATEGORY  # noqa: PLC0415
        from voices.events import FACTS as VOICE_FACTS  # noqa: PLC0415

        projectors.register(CATEGORY, project)
        # The feed and the admin show the facts of voices, too.
        FACTS.update(VOICE_FACTS)
