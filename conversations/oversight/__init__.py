"""A live session seen from outside: who holds it, what it is told, and what was done to it."""
