"""Which implementation answers to which name; strings only, so that nothing is imported early."""

from __future__ import annotations

import importlib
from typing import Any

HOSTS = {
    "cloudinary": "vidctl.hosts.cloudinary:CloudinaryHost",
    "folder": "vidctl.hosts.folder:FolderHost",
    "s3": "vidctl.hosts.s3:S3Host",
}

TRANSCRIBERS = {
    "captions": "vidctl.transcribers.captions:CaptionsTranscriber",
    "local": "vidctl.transcribers.faster_whisper:FasterWhisperTranscriber",
}

EMBEDDERS = {"local": "vidctl.embedders.local:LocalEmbedder"}


def load(target: str) -> Any:
    """Import what ``module:name`` names."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
