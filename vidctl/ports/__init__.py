"""The seams of vidctl: what the journey needs, said as Protocols; implementations live elsewhere.

Each is small enough to fake by hand; the contract of each is a test suite in ``tests/contracts``.
"""

from __future__ import annotations

from vidctl.ports.engines import Embedder, Transcriber
from vidctl.ports.hosts import (
    Advance,
    Looked,
    MediaHost,
    Sending,
    at_once,
    undisturbed,
    unheard,
)
from vidctl.ports.store import (
    Analytics,
    Connections,
    Costs,
    Courses,
    Enrolments,
    Events,
    Jobs,
    Knowledge,
    Labels,
    Media,
    Narrow,
    People,
    Rankings,
    Segments,
    Sequences,
    Store,
    Things,
    Uploads,
    Watched,
)

__all__ = [
    "Advance",
    "Analytics",
    "Connections",
    "Costs",
    "Courses",
    "Embedder",
    "Enrolments",
    "Events",
    "Jobs",
    "Knowledge",
    "Labels",
    "Looked",
    "Media",
    "MediaHost",
    "Narrow",
    "People",
    "Rankings",
    "Segments",
    "Sending",
    "Sequences",
    "Store",
    "Things",
    "Transcriber",
    "Uploads",
    "Watched",
    "at_once",
    "undisturbed",
    "unheard",
]
