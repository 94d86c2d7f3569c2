"""Where chat completions come from: the embedded model's process, or any OpenAI-compatible server by URL."""
