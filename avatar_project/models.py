"""The people who use AVATAR. A guest is a user row behind a browser's cookie."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person, or a guest who has not signed in. ``id`` is opaque: it is the actor named in the event log."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    is_guest = models.BooleanField(default=False)
