"""Spoken consent: a sentence made for the occasion, and whether it was read."""
