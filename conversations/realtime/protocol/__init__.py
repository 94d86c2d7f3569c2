"""The OpenAI Realtime protocol (GA names) as msgspec types: what comes in, what goes out."""
