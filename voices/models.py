"""Read models of voices and provenance, written only by `projections` from the log and remade from it at any time."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from voices.working_tables import Examination as Examination  # noqa: PLC0414  (Django finds tables here)
from voices.working_tables import Preview as Preview  # noqa: PLC0414
from voices.working_tables import PreviewState as PreviewState  # noqa: PLC0414
from voices.working_tables import Recall as Recall  # noqa: PLC0414
from voices.working_tables import VoiceName as VoiceName  # noqa: PLC0414


class State(models.TextChoices):
    """The life of a voice."""

    DRAFT = "draft", _("not ready")
    """A sample, a transcript or the consent is missing."""
    USABLE = "usable", _("ready for you")
    WAITING = "waiting", _("waiting for approval")
    """Its owner wants to share it."""
    APPROVED = "approved", _("shared with everybody")
    REJECTED = "rejected", _("not shared: rejected")
    """Its owner goes on using it."""
    REVOKED = "revoked", _("revoked")
    """Nobody may use it any more, its owner neither."""
    DELETED = "deleted", _("deleted")


SPEAKS = (State.USABLE, State.WAITING, State.APPROVED, State.REJECTED)
"""States in which the owner's consent stands, until its own end."""


class ConsentState(models.TextChoices):
    ASKED = "asked"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Voice(models.Model):
    """A voice profile, or (without an owner) a preset that an engine brings along and somebody has rated or tried."""

    id = models.UUIDField(primary_key=True)
    # A person goes only after their voices were erased: the log still names the owner.
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="voices")
    preset = models.CharField(max_length=120, blank=True)
    """The engine's name for it."""
    language = models.CharField(max_length=40, blank=True)
    """What it is meant to speak, as a BCP-47 tag."""
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    sequence = models.PositiveBigIntegerField()
    """The last event of the stream that is in here."""
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    sample_id = models.CharField(max_length=32, blank=True)
    """The sample that is spoken from."""
    consent_id = models.CharField(max_length=32, blank=True)
    """The consent that holds."""
    consent_scope = models.CharField(max_length=8, blank=True)
    consent_until = models.DateTimeField(null=True)
    sharing_asked_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=64, blank=True)
    """Opaque id of the manager who approved, rejected or revoked it last; the note is in the log alone, sealed."""
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=80, blank=True)
    rating_count = models.PositiveIntegerField(default=0)
    rating_sum = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("voice")
        verbose_name_plural = _("voices")
        default_permissions = ("view",)
        permissions = (
            ("approve_voice", "Can approve or reject a voice that is to be shared"),
            ("revoke_voice", "Can revoke a voice"),
            ("listen_voice", "Can listen to others' samples and consents"),
        )
        indexes = (
            models.Index(fields=("owner", "-updated_at"), name="voice_owner_updated"),
            models.Index(fields=("state", "sharing_asked_at"), name="voice_state"),
        )

    def __str__(self) -> str:
        return str(self.id)


class Sample(models.Model):
    """A recording that a voice is spoken from, and what was measured of it; only the current one has a sound."""

    id = models.CharField(max_length=32, primary_key=True)
    voice = models.ForeignKey(Voice, on_delete=models.CASCADE, related_name="samples")
    added_at = models.DateTimeField()
    audio_id = models.CharField(max_length=64, blank=True)
    """Empty once it was replaced or erased."""
    digest = models.CharField(max_length=64)
    duration_ms = models.PositiveIntegerField()
    speech_ms = models.PositiveIntegerField()
    loudness_lufs = models.FloatField()
    peak_db = models.FloatField()
    clipped = models.FloatField()
    snr_db = models.FloatField()
    language = models.CharField(max_length=40, blank=True)
    confidence = models.FloatField()
    model = models.CharField(max_length=120, blank=True)
    corrected = models.BooleanField(default=False)
    """The owner has put the transcript right."""
    sealed = models.BinaryField(null=True)
    """Transcript and embedding (`sealed.SampleWords`), under the sample's key for words."""

    class Meta:
        default_permissions = ()
        ordering = ("-added_at",)

    def __str__(self) -> str:
        return self.id


class Consent(models.Model):
    """A sentence that was to be read, and what came of it."""

    id = models.CharField(max_length=32, primary_key=True)
    voice = models.ForeignKey(Voice, on_delete=models.CASCADE, related_name="consents")
    sample_id = models.CharField(max_length=32)
    language = models.CharField(max_length=40)
    sentence = models.CharField(max_length=400)
    words = models.CharField(max_length=200)
    """Separated by spaces."""
    scope = models.CharField(max_length=8)
    days = models.PositiveIntegerField()
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=ConsentState.choices, default=ConsentState.ASKED)
    reason = models.CharField(max_length=80, blank=True)
    judged_at = models.DateTimeField(null=True)
    words_heard = models.PositiveSmallIntegerField(null=True)
    similarity = models.FloatField(null=True)
    threshold = models.FloatField(null=True)
    audio_id = models.CharField(max_length=64, blank=True)
    until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ("-asked_at",)

    def __str__(self) -> str:
        return self.id


class Rating(models.Model):
    """What a person thinks of a voice; their latest word."""

    voice = models.ForeignKey(Voice, on_delete=models.CASCADE, related_name="ratings")
    person = models.CharField(max_length=64)
    """Opaque id."""
    score = models.PositiveSmallIntegerField()
    rated_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("voice", "person"), name="rating_of_person"),)

    def __str__(self) -> str:
        return f"{self.score} for {self.voice_id}"


class Utterance(models.Model):
    """Provenance: something that was said in a cloned voice. Nobody's words are in it."""

    id = models.CharField(max_length=64, primary_key=True)
    source = models.CharField(max_length=64, db_index=True)
    """Its stream's: the profile's id, or of a person's own voice the conversation's."""
    voice = models.CharField(max_length=64)
    """The profile's id, or ``self``."""
    owner = models.CharField(max_length=64)
    """Whose voice it is; opaque, as `speaker`."""
    speaker = models.CharField(max_length=64)
    """For whom it was said."""
    engine = models.CharField(max_length=120)
    model = models.CharField(max_length=120, blank=True)
    quality = models.CharField(max_length=8, blank=True)
    conversation_id = models.CharField(max_length=64, blank=True)
    response_id = models.CharField(max_length=120, blank=True)
    door = models.CharField(max_length=16, blank=True)
    opened_at = models.DateTimeField(db_index=True)
    closed_at = models.DateTimeField(null=True)
    duration_ms = models.PositiveIntegerField(null=True)
    watermarked = models.BooleanField(null=True)
    complete = models.BooleanField(null=True)
    fingerprint = models.TextField(blank=True)
    sequence = models.PositiveBigIntegerField()

    class Meta:
        verbose_name = _("utterance in a cloned voice")
        verbose_name_plural = _("utterances in cloned voices")
        default_permissions = ("view",)
        permissions = (("detect_watermark", "Can ask whether a recording was made here"),)
        ordering = ("-opened_at",)

    def __str__(self) -> str:
        return self.id
