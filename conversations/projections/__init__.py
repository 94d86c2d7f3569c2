"""Read models from facts: the fold, the words under their keys, and remaking them from the log."""
