"""The mark in cloned speech: put in while it streams, and found again."""
