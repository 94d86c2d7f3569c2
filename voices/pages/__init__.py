"""The pages of voices: a list, one voice made step by step, and what is done there. Thin doors to services."""
