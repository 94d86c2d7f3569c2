"""Read models of conversations, written only by `projections` from the log and remade from it at any time."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.history_tables import SearchDocument as SearchDocument  # noqa: PLC0414  (Django finds tables here)
from conversations.history_tables import SearchToken as SearchToken  # noqa: PLC0414
from conversations.history_tables import Title as Title  # noqa: PLC0414
from conversations.rerun_tables import RerunJob as RerunJob  # noqa: PLC0414
from conversations.working_tables import Checkpoint as Checkpoint  # noqa: PLC0414
from conversations.working_tables import FlagRule as FlagRule  # noqa: PLC0414
from conversations.working_tables import Presence as Presence  # noqa: PLC0414
from conversations.working_tables import Verification as Verification  # noqa: PLC0414


class Keep(models.TextChoices):
    """What is kept of a conversation (`events.Keep`)."""

    SOUND = "sound"
    TEXT = "text"
    NOTHING = "nothing"


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
    keep = models.CharField(max_length=8, choices=Keep.choices, default=Keep.SOUND)
    hidden = models.BooleanField(default=False)
    """A moderator took it out of its owner's sight."""
    erased_at = models.DateTimeField(null=True)
    forked_from = models.UUIDField(null=True)
    forked_at = models.CharField(max_length=120, blank=True)
    error_count = models.PositiveIntegerField(default=0)
    """Turns that failed."""
    slowest_ms = models.FloatField(null=True)
    """The longest that somebody waited for the first sound of an answer."""
    open_flags = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        permissions = (
            ("read_words", "Can read what others said"),
            ("listen_recording", "Can listen to others' recordings"),
            ("watch_session", "Can follow a live session"),
            ("mute_session", "Can mute a live session"),
            ("cut_session", "Can end a live session"),
            ("flag_conversation", "Can flag a conversation or a turn"),
            ("decide_flag", "Can dismiss or uphold a flag"),
            ("redact_turn", "Can redact a turn, for good"),
            ("hide_conversation", "Can hide a conversation from its owner"),
            ("erase_conversation", "Can erase a conversation, for good"),
            ("verify_record", "Can verify the record's chain"),
            ("rerun_conversation", "Can run a conversation again with other engines"),
            ("read_feed", "Can follow the feed of everybody's events"),
            ("read_statistics", "Can read everybody's statistics"),
        )
        indexes = (
            models.Index(fields=("owner", "-updated_at"), name="conversation_owner_updated"),
            models.Index(fields=("-updated_at", "-id"), name="conversation_updated"),
            models.Index(fields=("-open_flags", "-updated_at"), name="conversation_flagged"),
        )

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
    keep = models.CharField(max_length=8, choices=Keep.choices, default=Keep.SOUND)
    redacted = models.BooleanField(default=False)
    """Its words and sound were taken away; False while only the sound was (then the audio ids are empty)."""
    open_flags = models.PositiveIntegerField(default=0)

    user_item_id = models.CharField(max_length=120, blank=True)
    user_audio_id = models.CharField(max_length=64, blank=True)
    user_audio_ms = models.PositiveIntegerField(null=True)
    user_began_at = models.DateTimeField(null=True)
    """When its first sample was spoken; empty in older records."""
    language = models.CharField(max_length=40, blank=True)
    confidence = models.FloatField(null=True)
    stt_model = models.CharField(max_length=120, blank=True)

    response_id = models.CharField(max_length=120, blank=True)
    reply_item_id = models.CharField(max_length=120, blank=True)
    reply_audio_id = models.CharField(max_length=64, blank=True)
    reply_audio_ms = models.PositiveIntegerField(null=True)
    """How long that sound is: all that was sent, of which ``heard_ms`` were heard."""
    reply_began_at = models.DateTimeField(null=True)
    """When its first sound reached the listener; empty in older records."""
    chat_model = models.CharField(max_length=120, blank=True)
    voice = models.CharField(max_length=120, blank=True)
    speech_engine = models.CharField(max_length=40, blank=True)
    """What spoke the first sentence; empty in older records, and where nothing was spoken."""
    speech_quality = models.CharField(max_length=8, blank=True)
    cloned = models.BooleanField(default=False)
    """Some of the answer was spoken in a person's voice."""
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
        verbose_name = _("turn")
        verbose_name_plural = _("turns")
        ordering = ("conversation", "number")
        indexes = (models.Index(fields=("started_at",), name="turn_started"),)
        constraints = (
            models.UniqueConstraint(fields=("conversation", "turn_id"), name="turn_of_conversation"),
            models.UniqueConstraint(fields=("conversation", "number"), name="turn_number_of_conversation"),
        )

    def __str__(self) -> str:
        return f"{self.conversation_id} turn {self.number}"


class Recording(Turn):
    """A turn as its sound: the same row, with a permission of its own to see that it was recorded."""

    class Meta:
        proxy = True
        verbose_name = _("recording")
        verbose_name_plural = _("recordings")
        default_permissions = ("view",)


class Session(models.Model):
    """One time that somebody was connected; ``closed_at`` stays empty when the server died first."""

    session_id = models.CharField(max_length=120, primary_key=True)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="sessions")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    close_reason = models.CharField(max_length=200, blank=True)
    model = models.CharField(max_length=120, blank=True)
    voice = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=40, blank=True)
    muted = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        indexes = (models.Index(fields=("closed_at", "-opened_at"), name="session_open"),)

    def __str__(self) -> str:
        return self.session_id


class FlagStatus(models.TextChoices):
    OPEN = "open"
    DISMISSED = "dismissed"
    UPHELD = "upheld"


class Flag(models.Model):
    """Somebody, or a rule, asked a moderator to look. Its notes are in the log alone, sealed."""

    flag_id = models.CharField(max_length=64, primary_key=True)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="flags")
    turn_id = models.CharField(max_length=120, blank=True)
    reason = models.CharField(max_length=80)
    rule = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=9, choices=FlagStatus.choices, default=FlagStatus.OPEN)
    raised_by = models.CharField(max_length=64, blank=True)
    """The actor's opaque id; empty when a rule did."""
    raised_at = models.DateTimeField()
    decided_by = models.CharField(max_length=64, blank=True)
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=80, blank=True)

    class Meta:
        verbose_name = _("flag")
        verbose_name_plural = _("flags")
        indexes = (models.Index(fields=("status", "-raised_at"), name="flag_open"),)

    def __str__(self) -> str:
        return f"{self.reason} ({self.status})"
