"""The seams of vidctl: what the journey needs, said as Protocols; implementations live elsewhere.

Each is small enough to fake by hand; the contract of each is a test suite in ``tests/contracts``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from vidctl.model.connection import Connection
    from vidctl.model.event import Event
    from vidctl.model.knowledge import Chunk, Match, Window
    from vidctl.model.media import MediaRow, StoredMedia
    from vidctl.model.person import Member
    from vidctl.model.scope import Scope
    from vidctl.model.segment import Part, Segment
    from vidctl.model.thing import Page, Thing, ThingQuery

Advance = Callable[[float, float], None]


class MediaHost(Protocol):
    """A place that keeps media bytes (MUST: put, path, exists, remove)."""

    name: str

    def put(self, source: Path, *, group_id: str, sha256: str, suffix: str) -> StoredMedia:
        """Store a copy of ``source`` under a name made from its hash; a second call is a no-op.

        Raises StorageFull or StorageFailed; on failure nothing under the final name exists.
        """

    def path(self, locator: str) -> Path:
        """Return a local path to the bytes. Raises NotFound when they are gone."""

    def exists(self, locator: str, *, size: int) -> bool:
        """Tell whether bytes of that size are there."""

    def remove(self, locator: str) -> None:
        """Remove the bytes; nothing happens when they are gone already."""


class Transcriber(Protocol):
    """Turns speech into segments, part by part."""

    identity: str

    def parts(self, audio: Path) -> Sequence[Part]:
        """Plan the parts of a file; the same file and settings give the same plan."""

    def transcribe(self, audio: Path, part: Part, advance: Advance) -> Sequence[Segment]:
        """Transcribe one part; times count from the start of the file, in seconds.

        Raises InvalidMedia when there is no audio, EngineUnavailable when it cannot run.
        """


class Embedder(Protocol):
    """Turns text into vectors of one length."""

    identity: str
    dimension: int

    def windows(self, text: str) -> Sequence[tuple[int, int]]:
        """Split a text into spans that the model reads whole: (first, last) word, inclusive.

        Words are what ``text.split()`` gives.
        """

    def embed(self, texts: Sequence[str], advance: Advance) -> Sequence[bytes]:
        """Embed each text as float32 little-endian bytes of unit length."""


class Things(Protocol):
    """People, videos, podcasts, playlists, courses and lessons of the scope."""

    def add(self, thing: Thing) -> None: ...
    def get(self, thing_id: str) -> Thing: ...
    def find(self, thing_id: str) -> Thing | None: ...
    def resolve(self, reference: str, types: Sequence[str] = ()) -> Thing: ...
    def page(self, query: ThingQuery) -> Page: ...
    def save(self, thing: Thing) -> None: ...
    def free_slug(self, wanted: str) -> str: ...
    def purge(self, thing_id: str) -> None: ...


class People(Protocol):
    """People of the scope and of the groups above it, who may act here, and their roles."""

    def resolve(self, reference: str) -> Thing: ...
    def known(self, ids: Iterable[str]) -> dict[str, Thing]: ...
    def roles(self, person_id: str) -> dict[str, str]: ...
    def parents(self) -> dict[str, str | None]: ...
    def members(self) -> Sequence[Member]: ...


class Connections(Protocol):
    """Links between things of the scope."""

    def add(self, connection: Connection) -> None: ...
    def find(self, from_id: str, type: str, to_id: str) -> Connection | None: ...
    def outgoing(self, from_id: str, type: str) -> Sequence[Connection]: ...
    def incoming(self, to_id: str, type: str) -> Sequence[Connection]: ...
    def remove(self, connection_id: str) -> None: ...


class Events(Protocol):
    """The append-only log of the scope."""

    def append(self, events: Iterable[Event]) -> int: ...
    def of(self, target_id: str, limit: int = 100) -> Sequence[Event]: ...
    def count(self, target_id: str, action: str) -> int: ...


class Segments(Protocol):
    """Transcripts of the scope's things."""

    def replace(self, thing_id: str, segments: Sequence[Segment], *, source: str) -> None: ...
    def of(self, thing_id: str) -> Sequence[Segment]: ...
    def between(
        self, spans: Sequence[tuple[str, int, int]], *, with_words: bool = False
    ) -> dict[str, dict[int, Segment]]: ...
    def source(self, thing_id: str) -> str | None: ...
    def transcripts(self, thing_ids: Sequence[str]) -> dict[str, str]: ...


class Knowledge(Protocol):
    """Chunks, their vectors, and the two rankers over them, inside the scope."""

    def replace(self, thing_id: str, chunks: Sequence[Chunk]) -> None: ...
    def chunks(self, thing_id: str) -> Sequence[Chunk]: ...
    def get(self, chunk_ids: Sequence[str]) -> dict[str, Chunk]: ...
    def unembedded(self, thing_id: str, identity: str) -> Sequence[Chunk]: ...
    def add_vectors(self, identity: str, dimension: int, windows: Sequence[Window]) -> None: ...
    def match_text(self, query: str, narrow: Narrow, limit: int) -> Sequence[Match]: ...
    def match_vector(
        self, identity: str, vector: bytes, narrow: Narrow, limit: int
    ) -> Sequence[Match]: ...
    def vector_counts(self) -> dict[str, int]: ...


class Narrow(Protocol):
    """Which things a search looks at: by type, tag, and publication or creation time."""

    @property
    def types(self) -> tuple[str, ...]: ...
    @property
    def tags(self) -> tuple[str, ...]: ...
    @property
    def since(self) -> int | None: ...


class Media(Protocol):
    """Where the bytes of the scope's things are."""

    def add(self, row: MediaRow) -> None: ...
    def of(self, thing_id: str, role: str = "") -> Sequence[MediaRow]: ...
    def by_hash(self, sha256: str, role: str = "source") -> MediaRow | None: ...
    def remove(self, media_id: str) -> None: ...
    def all(self) -> Iterable[MediaRow]: ...


class Jobs(Protocol):
    """Stage state of each thing: what is done, and the finished parts of what is not."""

    def claim(self, thing_id: str, stage: str, key: str, *, seconds: float = 60.0) -> str: ...
    def extend(self, job_id: str, *, seconds: float = 60.0) -> None: ...
    def parts(self, job_id: str) -> dict[int, Any]: ...
    def save_part(self, job_id: str, ordinal: int, result: Any) -> None: ...
    def finish(self, job_id: str, *, error: str = "") -> None: ...
    def states(self, thing_ids: Sequence[str] = ()) -> Sequence[dict[str, Any]]: ...


class Store(Protocol):
    """Everything vidctl remembers, seen through one scope; no method takes a group id."""

    @property
    def scope(self) -> Scope: ...
    @property
    def things(self) -> Things: ...
    @property
    def people(self) -> People: ...
    @property
    def connections(self) -> Connections: ...
    @property
    def events(self) -> Events: ...
    @property
    def segments(self) -> Segments: ...
    @property
    def knowledge(self) -> Knowledge: ...
    @property
    def media(self) -> Media: ...
    @property
    def jobs(self) -> Jobs: ...

    def transaction(self) -> AbstractContextManager[None]:
        """Open a write transaction at once (or join the open one); all of it is kept or none."""

    def close(self) -> None:
        """Give the handle back."""
