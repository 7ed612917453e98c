"""The settings of an S3 host, checked."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from vidctl.errors import AddressRefused, UsageError

MEGABYTE = 1 << 20
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
LEAST_PART = 5 * MEGABYTE
PART = 8 * MEGABYTE
MOST_PARTS = 10_000

_PREFIX = re.compile(r"[0-9A-Za-z!_.*'()-]+(/[0-9A-Za-z!_.*'()-]+)*")


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of the S3 host ``name``. Sizes are bytes, ``timeout`` is seconds.

    ``endpoint`` is empty for Amazon's; ``prefix`` ends in a slash unless it is empty.
    """

    name: str
    bucket: str
    endpoint: str
    region: str
    prefix: str
    public_url: str
    part_size: int
    parallel: int
    timeout: float
    reads_back: bool


def checked(name: str, options: Mapping[str, Any]) -> Options:
    """Return settings that can work. Raises UsageError, and AddressRefused for plain http."""
    bucket = _text(options, "bucket")
    if not bucket:
        raise UsageError(
            f"the host {name} has no bucket", hint=f"vidctl config set hosts.{name}.bucket BUCKET"
        )
    return Options(
        name=name,
        bucket=bucket,
        endpoint=_endpoint(name, _text(options, "endpoint")),
        region=_text(options, "region"),
        prefix=_prefix(name, _text(options, "prefix")),
        public_url=_public(name, _text(options, "public_url")),
        part_size=_part_size(name, float(options.get("part_mb") or 0)),
        parallel=int(options.get("parallel") or 4),
        timeout=float(options.get("timeout") or 60),
        reads_back=options.get("verify") == "read",
    )


def _text(options: Mapping[str, Any], key: str) -> str:
    return str(options.get(key) or "").strip()


def _part_size(name: str, megabytes: float) -> int:
    size = int(megabytes * MEGABYTE)
    if 0 < size < LEAST_PART:
        raise UsageError(
            f"S3 takes no parts of less than {LEAST_PART // MEGABYTE} MB",
            hint=f"vidctl config set hosts.{name}.part_mb {PART // MEGABYTE}",
        )
    return size or PART


def _prefix(name: str, text: str) -> str:
    text = text.strip("/")
    if not text:
        return ""
    if not _PREFIX.fullmatch(text) or {".", ".."} & set(text.split("/")):
        raise UsageError(
            f"{text!r} cannot be what S3 objects begin with",
            hint=f"vidctl config set hosts.{name}.prefix media",
        )
    return f"{text}/"


def _endpoint(name: str, text: str) -> str:
    """Return an endpoint without its last slash; a key must not travel where others listen."""
    if not text:
        return ""
    hint = f"vidctl config set hosts.{name}.endpoint https://…"
    parts = _split(text)
    if parts is None or parts.query or parts.fragment or parts.path.strip("/"):
        raise UsageError(f"the endpoint of {name} is not the address of a service", hint=hint)
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise AddressRefused(f"the endpoint of {name} must be https, not http", hint=hint)
    return text.rstrip("/")


def _public(name: str, text: str) -> str:
    parts = _split(text) if text else None
    if text and (parts is None or parts.query or parts.fragment):
        raise UsageError(
            f"the public address of {name} is not a web address",
            hint=f"vidctl config set hosts.{name}.public_url https://…",
        )
    return text.rstrip("/")


def _split(text: str) -> SplitResult | None:
    """Return the parts of a web address, None for one with a password or without a host."""
    try:
        parts = urlsplit(text)
        is_usable = parts.port is None or parts.port > 0
    except ValueError:
        return None
    is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    return parts if is_usable and is_web and parts.username is None else None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
