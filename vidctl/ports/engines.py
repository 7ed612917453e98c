"""What turns speech into text, and text into vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vidctl.model.segment import Part, Segment
    from vidctl.ports.hosts import Advance


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
