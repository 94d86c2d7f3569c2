from django.apps import AppConfig


class AvatarProjectConfig(AppConfig):
    name = "avatar_project"
    verbose_name = "People"

    def ready(self) -> None:
        from avatar_project import checks  # noqa: F401, PLC0415  (registers the system checks)
