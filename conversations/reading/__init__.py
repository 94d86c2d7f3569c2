"""Conversations as pages, lists and figures show them."""
