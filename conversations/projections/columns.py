"""What a column can hold: PostgreSQL keeps to lengths and takes no NUL, and a client may send either.

The log has the whole value; a read model shows what fits, the same on both databases.
"""

import functools

from django.db.models import CharField, Model


def fit(row: Model) -> None:
    """Cuts the texts of ``row`` to their columns."""
    for name, longest in _texts(type(row)):
        text = getattr(row, name)
        if text and (len(text) > longest or "\0" in text):
            setattr(row, name, text.replace("\0", "")[:longest])


@functools.cache
def _texts(model: type[Model]) -> tuple[tuple[str, int], ...]:
    fields = (field for field in model._meta.concrete_fields if isinstance(field, CharField))
    return tuple((field.attname, field.max_length) for field in fields if field.max_length is not None)
