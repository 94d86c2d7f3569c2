"""What the apps share and none of them owns: who asks, what is refused and why, how a request to /api/ is read."""
