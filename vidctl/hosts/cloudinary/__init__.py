"""Media kept at Cloudinary: uploads that go on where they stopped, and are checked."""

from __future__ import annotations

from vidctl.hosts.cloudinary.callbacks import SeenHere, verify_callback
from vidctl.hosts.cloudinary.host import CloudinaryHost

__all__ = ["CloudinaryHost", "SeenHere", "verify_callback"]
