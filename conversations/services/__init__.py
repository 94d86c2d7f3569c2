"""What changes conversations: every service checks who asks, appends facts, and returns when they are durable."""
