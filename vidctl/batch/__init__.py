"""The journey over many files and items: one failure is one error, the others go through."""

from __future__ import annotations

from vidctl.batch.plan import Plan
from vidctl.batch.process import Work, has_transcript, process
from vidctl.batch.upload import upload

__all__ = ["Plan", "Work", "has_transcript", "process", "upload"]
