"""Tables that are not made from the log: who is alive, how far a reader has come, and what rules there are."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.reasons import checked
from common.refusals import Invalid


class Presence(models.Model):
    """That the server still holds a live session: renewed every few seconds, gone with the session."""

    session_id = models.CharField(max_length=120, primary_key=True)
    process = models.CharField(max_length=200)
    """Which process holds it (`conversations.oversight.processes`)."""
    seen_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("seen_at",), name="presence_seen"),)

    def __str__(self) -> str:
        return self.session_id


class Checkpoint(models.Model):
    """How far a reader that follows the log by position has come (`conversations.following`)."""

    name = models.CharField(max_length=80, primary_key=True)
    position = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} at {self.position}"


class RuleKind(models.TextChoices):
    WORDS = "words", _("words")
    PATTERN = "pattern", _("pattern")


class FlagRule(models.Model):
    """What raises a flag by itself. A rule only flags; a person decides."""

    name = models.CharField(
        _("name"), max_length=120, unique=True, help_text=_("Stands in the record with every flag it raises.")
    )
    language = models.CharField(
        _("language"),
        max_length=40,
        blank=True,
        help_text=_("Such as en or zh: only what is said in it is looked at. Empty: everything."),
    )
    kind = models.CharField(_("kind"), max_length=8, choices=RuleKind.choices, default=RuleKind.WORDS)
    expression = models.TextField(
        _("expression"),
        help_text=_(
            "Words: one word or phrase a line, found as whole words (in Chinese and Japanese anywhere); capital "
            "letters do not matter. Pattern: a regular expression in RE2's syntax."
        ),
    )
    reason = models.CharField(_("reason"), max_length=80, default="other")
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        ordering = ("name",)
        verbose_name = _("flag rule")
        verbose_name_plural = _("flag rules")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """A rule that could not be run is not saved. Raises `ValidationError` naming the field."""
        from conversations.flagging import matching  # noqa: PLC0415 - RE2 is loaded where rules are used

        wrong: dict[str, str] = {}
        try:
            matching.matcher(
                name=self.name,
                reason=self.reason,
                language=self.language,
                kind=self.kind,
                expression=self.expression,
            )
        except matching.InvalidRule as error:
            wrong["expression"] = str(error)
        try:
            checked(self.reason)
        except Invalid as error:
            wrong["reason"] = str(error)
        if wrong:
            raise ValidationError(wrong)


class Verification(models.Model):
    """A verdict about the chain: when, of what, and by whom. It proves nothing by itself; it says when one looked."""

    at = models.DateTimeField()
    stream = models.CharField(max_length=120, blank=True)
    """Empty: the whole log."""
    events = models.PositiveBigIntegerField()
    streams = models.PositiveBigIntegerField()
    breaks = models.PositiveBigIntegerField()
    first_break = models.CharField(max_length=300, blank=True)
    actor = models.CharField(max_length=64, blank=True)
    """Opaque id of the person who asked; empty for a command."""

    class Meta:
        indexes = (models.Index(fields=("stream", "-at"), name="verification_latest"),)
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.stream or 'the log'} at {self.at}"
