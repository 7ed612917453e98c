"""Embedding engines, one file per value of ``embed.engine``."""
