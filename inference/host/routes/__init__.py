"""The host's HTTP routes: OpenAI's, and a few of our own."""
