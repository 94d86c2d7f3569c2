"""Events for integrators, by position: pages, and streams that resume where they broke off (ADR 0079)."""
