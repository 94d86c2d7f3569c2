"""Texts for people."""

from django.utils.functional import Promise, lazy

Text = str | Promise
"""Promises are texts that wait for the language of whoever reads them."""


def filled(text: Text, **values: object) -> Text:
    """The text with its places (``%(name)s``) filled, once it is read."""
    found: Text = lazy(lambda: str(text) % values, str)()
    return found
