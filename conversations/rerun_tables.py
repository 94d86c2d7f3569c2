"""Re-runs asked for as background tasks: not made from the log, and without a word of what was said."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class RerunState(models.TextChoices):
    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    STOPPED = "stopped", _("stopped")


class RerunJob(models.Model):
    """One conversation to be run again. ``compared`` holds `conversations.rerun.compare.Compared` of each turn."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="rerun_jobs", verbose_name=_("asked by")
    )
    conversation_id = models.UUIDField(_("conversation"))
    from_turn = models.CharField(_("from turn"), max_length=120, blank=True)
    llm = models.CharField(_("chat model"), max_length=300, blank=True)
    voice = models.CharField(_("voice"), max_length=120, blank=True)
    instructions = models.TextField(_("instructions"), blank=True)
    transcribe = models.BooleanField(_("transcribe again"), default=False)
    state = models.CharField(_("state"), max_length=8, choices=RerunState.choices, default=RerunState.QUEUED)
    detail = models.CharField(_("what happened"), max_length=500, blank=True)
    done = models.PositiveIntegerField(_("turns done"), default=0)
    total = models.PositiveIntegerField(_("turns"), default=0)
    result_id = models.UUIDField(_("result"), null=True)
    """The forked conversation, from the moment when it was begun."""
    compared = models.JSONField(default=list)
    created_at = models.DateTimeField(_("asked at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("last heard of"), auto_now=True)

    class Meta:
        verbose_name = _("re-run")
        verbose_name_plural = _("re-runs")
        default_permissions = ()
        indexes = (
            models.Index(fields=("-created_at",), name="rerun_created"),
            models.Index(fields=("owner", "state"), name="rerun_owner_state"),
        )

    def __str__(self) -> str:
        return f"{self.conversation_id} ({self.state})"

    @property
    def over(self) -> bool:
        return self.state in {RerunState.DONE, RerunState.FAILED, RerunState.STOPPED}
