"""Starts everything on one machine and ends it together: what `make run` runs once the packages are installed."""
