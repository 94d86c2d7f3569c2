"""The worker that marks cloned speech and finds the mark again: resemble-perth, in an environment that has torch."""
