"""REST: a person's voices, those shared with them, and presets, at /api/voice-profiles/."""
