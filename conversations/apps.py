from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "conversations"

    def ready(self) -> None:
        from conversations import people_events  # noqa: F401, PLC0415 - makes its facts known
        from conversations.log import projectors  # noqa: PLC0415 - needs the app registry
        from conversations.projections import project  # noqa: PLC0415
        from conversations.streams import CATEGORY  # noqa: PLC0415

        projectors.register(CATEGORY, project)
