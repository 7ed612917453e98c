"""What people name to be uploaded: files, folders, globs, links, lists, and folders to watch."""

from __future__ import annotations

from vidctl.sources.expand import MEDIA_SUFFIXES, Source, expand, gather, is_link
from vidctl.sources.links import downloaded
from vidctl.sources.watch import Watch

__all__ = ["MEDIA_SUFFIXES", "Source", "Watch", "downloaded", "expand", "gather", "is_link"]
