"""What others must know of: accounts belong to the project, which listens here."""

from django.dispatch import Signal

person_leaving = Signal()
"""A person is about to be erased (``user_id``): nobody may come in as them any more. May be sent again."""
person_forgotten = Signal()
"""The person's tombstone is being written (``user_id``), in that very transaction: their name goes with it."""
