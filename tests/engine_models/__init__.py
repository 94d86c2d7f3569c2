"""Programs that make small models for heavy engines, each run by that engine's own Python."""
