"""/v1 for other programs: OpenAI's HTTP interface to the engines of this installation, with keys."""
