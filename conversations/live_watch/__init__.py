"""A moderator follows running conversations: who talks now, what is being said, and a hand on the switch."""
