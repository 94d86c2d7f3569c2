"""A person's own history: the list, the search, one conversation, and what may be done with it."""
