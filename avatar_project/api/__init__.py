"""What all of /api/ shares: who asks, how much, how errors look, and its description."""
