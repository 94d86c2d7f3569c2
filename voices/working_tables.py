"""Tables that are not made from the log: names, previews, recordings looked at, what the host has yet to forget."""

from django.conf import settings
from django.db import models


class VoiceName(models.Model):
    """What its owner calls a voice. Not made from the log, which outlives it: a rebuild leaves it alone."""

    voice = models.OneToOneField(
        "voices.Voice", on_delete=models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="named"
    )
    name = models.CharField(max_length=80)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"name of {self.voice_id}"


class PreviewState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Preview(models.Model):
    """A few sentences in a voice, to try it. Gone with the voice."""

    id = models.CharField(max_length=32, primary_key=True)
    voice_key = models.UUIDField()
    """A profile's id or a preset's; a preset that nobody has rated has no row."""
    preset = models.CharField(max_length=120, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    """Who asked for it, and alone may hear it."""
    language = models.CharField(max_length=40)
    quality = models.CharField(max_length=4, default="fast")
    sealed_text = models.BinaryField(null=True)
    state = models.CharField(max_length=7, choices=PreviewState.choices, default=PreviewState.QUEUED)
    progress = models.FloatField(default=0.0)
    """0..1."""
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    audio_id = models.CharField(max_length=64, blank=True)
    duration_ms = models.PositiveIntegerField(null=True)
    engine = models.CharField(max_length=120, blank=True)
    model = models.CharField(max_length=120, blank=True)
    cloned = models.BooleanField(default=False)
    fallback = models.CharField(max_length=80, blank=True)
    """Why it is not the voice that was asked for (`inference.types.SpeechMade`); empty when it is."""
    similarity = models.FloatField(null=True)
    """How near it comes to the sample's voice: cosine of the speaker embeddings, -1..1."""
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ("-created_at",)
        indexes = (models.Index(fields=("voice_key", "owner", "-created_at"), name="preview_of_person"),)

    def __str__(self) -> str:
        return self.id


class Recall(models.Model):
    """A reference that the engine host has yet to forget. It stands until the host has said that it has."""

    sample_id = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.sample_id


class Examination(models.Model):
    """A recording that somebody has looked at: is it of ours? For who asked alone; the recording goes when it is done.

    ``state`` is one of `PreviewState`.
    """

    id = models.CharField(max_length=32, primary_key=True)
    asked_by = models.CharField(max_length=64)
    """A person's opaque id."""
    state = models.CharField(max_length=7, choices=PreviewState.choices, default=PreviewState.QUEUED)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    duration_s = models.FloatField()
    total = models.PositiveIntegerField(default=0)
    """Utterances on record that it is compared with ..."""
    compared = models.PositiveIntegerField(default=0)
    """... and with how many it has been, up to the id ``reached``."""
    reached = models.CharField(max_length=64, blank=True)
    matches = models.JSONField(default=list)
    """``[id, agreement]`` of the utterances that are in it, the best first."""
    mark = models.JSONField(null=True)
    """`inference.types.WatermarkFound`; null where the mark was not looked for, or not yet."""
    away = models.CharField(max_length=300, blank=True)
    """Why not."""

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=("asked_by", "-created_at"), name="examination_of_person"),)

    def __str__(self) -> str:
        return self.id

    @property
    def over(self) -> bool:
        return self.state in {PreviewState.DONE, PreviewState.FAILED}
