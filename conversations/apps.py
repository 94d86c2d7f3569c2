from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "conversations"

    def ready(self) -> None:
        from conversations.log import projectors  # noqa: PLC0415 - needs the app registry
        from conversations.projections import project  # noqa: PLC0415
        from conversations.streams import CATEGORY  # noqa: PLC0415

        projectors.register(CATEGORY, project)
