"""What the apps share and none of them owns: who asks, refusals, reasons, requests, long tasks, the engine host."""
