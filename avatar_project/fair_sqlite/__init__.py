"""Django's SQLite backend with one thing more: writers wait in line (docs/adr/0014)."""
