"""Interchange formats: text or bytes to records and back, pure."""
