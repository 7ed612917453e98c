"""Media kept in a bucket of any service that speaks S3."""

from __future__ import annotations

from vidctl.hosts.s3.host import S3Host

__all__ = ["S3Host"]
