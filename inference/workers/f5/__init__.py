"""F5-TTS: speaks after a reference while one talks. Runs in the environment ``requirements/engines/f5*.txt``."""
