"""Hearing a conversation again: when who was heard, the sound of it, and the page that plays it."""
