"""The REST doors of conversations: they parse, ask services and selectors, and describe what they give."""
