"""A recorded conversation held again with other engines: what would have been said, and how fast."""
