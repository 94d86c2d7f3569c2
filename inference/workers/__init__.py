"""Engines in processes and environments of their own: what runs there knows msgspec, aiohttp and its engine only."""
