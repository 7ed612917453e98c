"""vidctl: a searchable, captioned, organised, measurable library from media files."""

__version__ = "0.1.0"
