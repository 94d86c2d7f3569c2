from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class VoicesConfig(AppConfig):
    name = "voices"
    verbose_name = _("Voices")

    def ready(self) -> None:
        from conversations.log import projectors, sounds  # noqa: PLC0415 - needs the app registry
        from voices.events import CATEGORY, PROVENANCE  # noqa: PLC0415
        from voices.projections import projector, provenance, rebuild  # noqa: PLC0415

        projectors.register(CATEGORY, projector.project)
        projectors.register(PROVENANCE, provenance.project)
        sounds.register(CATEGORY, rebuild.named_sounds)
