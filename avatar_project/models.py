"""The people who use AVATAR, and the keys of their programs. A guest is a user row behind a browser's cookie."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person, or a guest who has not signed in. ``id`` is opaque: it is the actor named in the event log."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    is_guest = models.BooleanField(default=False)

    class Meta(AbstractUser.Meta):
        permissions = (
            ("block_person", "Can keep a person out and let them in again"),
            ("erase_person", "Can erase a person with all that they said, for good"),
            ("operate_engines", "Can see memory and sessions, load and unload models"),
        )


class ApiKey(models.Model):
    """What a program shows instead of a person's password. The secret itself is nowhere: only its hash (ADR 0077)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=32, unique=True, editable=False)
    """The beginning of the key, which may be shown: it tells which key this is."""
    digest = models.CharField(max_length=64, editable=False)
    """SHA-256 of the whole key, hexadecimal."""
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    """Exact to a minute."""
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def state(self) -> str:
        """``active``, ``expired`` or ``revoked``."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= timezone.now():
            return "expired"
        return "active"
