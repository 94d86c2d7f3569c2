"""Texts for people."""

from django.utils.functional import Promise

Text = str | Promise
"""Promises are texts that wait for the language of whoever reads them."""
