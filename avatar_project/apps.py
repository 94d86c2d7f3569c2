from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AvatarProjectConfig(AppConfig):
    name = "avatar_project"
    verbose_name = _("People")

    def ready(self) -> None:
        from avatar_project import checks, leaving  # noqa: F401, PLC0415  (registers system checks and receivers)
