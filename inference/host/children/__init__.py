"""Engines in processes and environments of their own: made, started, watched, started again, and ended for sure."""
