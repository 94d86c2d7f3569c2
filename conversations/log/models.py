"""The tables of the event store. Only `store` inserts events; triggers in the database refuse every other change."""

from django.db import models


class Event(models.Model):
    """One fact, for good. ``hash`` covers every other column as it is stored, ``prev_hash`` links the stream."""

    position = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField(unique=True)
    stream = models.CharField(max_length=120)
    sequence = models.PositiveBigIntegerField()
    type = models.CharField(max_length=80)
    version = models.PositiveSmallIntegerField()
    # Text, not a JSON column: the hash is over these very characters, which a database must not rearrange.
    payload = models.TextField()
    metadata = models.TextField()
    idempotency_key = models.CharField(max_length=200, null=True)
    idempotency_mac = models.CharField(max_length=64, default="")
    recorded_at = models.DateTimeField()
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(fields=("stream", "sequence"), name="log_event_stream_sequence"),
            models.UniqueConstraint(fields=("stream", "idempotency_key"), name="log_event_idempotency"),
        )

    def __str__(self) -> str:
        return f"{self.stream}/{self.sequence} {self.type}"


class Head(models.Model):
    """The end of each stream, so that a missing tail shows and an append need not search for it."""

    stream = models.CharField(max_length=120, primary_key=True)
    sequence = models.PositiveBigIntegerField()
    position = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.stream}/{self.sequence}"


class Purpose(models.TextChoices):
    """What a key opens: the data keys of a stream, a turn's words, or a turn's sound."""

    STREAM = "stream"
    WORDS = "words"
    SOUND = "sound"


class Key(models.Model):
    """A wrapped key. The stream's key is wrapped by the master key, a turn's keys by the stream's key.

    ``wrapped`` is NULL once the key was destroyed; the row stays so that nobody makes a new one in its place.
    """

    id = models.UUIDField(primary_key=True)
    stream = models.CharField(max_length=120)
    turn = models.CharField(max_length=120, default="", blank=True)
    purpose = models.CharField(max_length=8, choices=Purpose.choices)
    wrapped = models.BinaryField(null=True)
    master = models.CharField(max_length=16, default="", blank=True)
    created_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("stream", "turn", "purpose"), name="log_key_owner"),)

    def __str__(self) -> str:
        return f"{self.purpose} key of {self.stream} {self.turn}"
