"""The SQLite store behind the ports."""
