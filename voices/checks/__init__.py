"""What a recording is like, before anything is cloned from it."""
