"""Read models of conversations, written only by `projections` from the log and remade from it at any time."""

from django.conf import settings
from django.db import models


class Conversation(models.Model):
    """A conversation as lists show it. It has no words of its own: titles and previews come from its turns."""

    id = models.UUIDField(primary_key=True)
    # A person goes only after their conversations were erased: the log still names the owner.
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="conversations")
    started_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    language = models.CharField(max_length=40, blank=True)
    voice = models.CharField(max_length=120, blank=True)
    turn_count = models.PositiveIntegerField(default=0)
    sequence = models.PositiveBigIntegerField()
    """The last event of the stream that is in here."""

    class Meta:
        indexes = (models.Index(fields=("owner", "-updated_at"), name="conversation_owner_updated"),)

    def __str__(self) -> str:
        return str(self.id)


class TurnStatus(models.TextChoices):
    """How a turn stands; one that was cut off by a crash stays open."""

    OPEN = "open"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INCOMPLETE = "incomplete"


class HeardSource(models.TextChoices):
    """Who says what was heard: the client's truncation, the server's clock, or a text that was read."""

    CLIENT = "client"
    PLAYBACK_CLOCK = "playback_clock"
    TEXT = "text"


class Turn(models.Model):
    """One turn: what was said, what was answered, what of it was heard, and how long each step took.

    The words are sealed under the turn's key, as in the log, so that the database file alone tells none of them and
    destroying the key erases them here too (docs/adr/0012).
    """

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    turn_id = models.CharField(max_length=120)
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    status = models.CharField(max_length=12, choices=TurnStatus.choices, default=TurnStatus.OPEN)
    reason = models.CharField(max_length=200, blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    sealed_words = models.BinaryField(null=True)

    user_item_id = models.CharField(max_length=120, blank=True)
    user_audio_id = models.CharField(max_length=64, blank=True)
    user_audio_ms = models.PositiveIntegerField(null=True)
    language = models.CharField(max_length=40, blank=True)
    confidence = models.FloatField(null=True)
    stt_model = models.CharField(max_length=120, blank=True)

    response_id = models.CharField(max_length=120, blank=True)
    reply_item_id = models.CharField(max_length=120, blank=True)
    reply_audio_id = models.CharField(max_length=64, blank=True)
    chat_model = models.CharField(max_length=120, blank=True)
    voice = models.CharField(max_length=120, blank=True)
    finish_reason = models.CharField(max_length=40, blank=True)
    heard_ms = models.PositiveIntegerField(null=True)
    heard_source = models.CharField(max_length=16, choices=HeardSource.choices, blank=True)
    heard_complete = models.BooleanField(null=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)

    endpoint_ms = models.FloatField(null=True)
    transcript_ms = models.FloatField(null=True)
    first_token_ms = models.FloatField(null=True)
    first_sentence_ms = models.FloatField(null=True)
    first_audio_ms = models.FloatField(null=True)
    model_ms = models.FloatField(null=True)

    class Meta:
        ordering = ("conversation", "number")
        constraints = (
            models.UniqueConstraint(fields=("conversation", "turn_id"), name="turn_of_conversation"),
            models.UniqueConstraint(fields=("conversation", "number"), name="turn_number_of_conversation"),
        )

    def __str__(self) -> str:
        return f"{self.conversation_id} turn {self.number}"
