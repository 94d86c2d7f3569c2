"""Proving the record: the chain verified, its heads signed and exported."""
