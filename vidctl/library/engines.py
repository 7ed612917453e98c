"""The speech and embedding engines of a library, chosen by its settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl import registry
from vidctl.config import Config
from vidctl.errors import EngineUnavailable, MissingExtra, NotFound, UsageError
from vidctl.model.thing import Thing

if TYPE_CHECKING:
    from vidctl.library.hosts import Hosts
    from vidctl.media.sandbox import Sandbox
    from vidctl.model.media import MediaRow
    from vidctl.ports import Embedder, Store, Transcriber


@cache
def sandbox() -> Sandbox:
    """Return the child processes that read media files, the same for all of this process."""
    from vidctl.media.sandbox import Sandbox

    return Sandbox()


class Engines:
    """The part of a library that finds the engine for a piece of work."""

    config: Config
    store: Store
    is_offline: bool
    _embedder: Embedder | None = None
    _transcriber: Transcriber | None = None

    @cached_property
    def hosts(self) -> Hosts:
        """The places that keep media bytes."""
        from vidctl.library.hosts import Hosts

        return Hosts(self.config)

    @property
    def sandbox(self) -> Sandbox:
        """The child processes that read media files; all libraries of this process share them."""
        return sandbox()

    def source_of(self, thing: Thing) -> MediaRow:
        """Return the media row of a thing's own bytes. Raises NotFound when it has none."""
        rows = self.store.media.of(thing.id, "source")
        if not rows:
            raise NotFound(
                f"{thing.slug} has no media here, only a link",
                hint=f"vidctl transcribe {thing.slug} --captions FILE",
            )
        return rows[0]

    @contextmanager
    def transcription_of(
        self, thing: Thing, *, engine: str, captions: Path | None = None, download: bool = False
    ) -> Iterator[tuple[Transcriber, Path, str]]:
        """Choose the engine for a thing: (transcriber, file to read, what it depends on).

        ``auto`` takes captions, given or held with the thing, else the local model. The file is
        there as long as the block runs. Raises MissingExtra or EngineUnavailable when no engine
        can run.
        """
        if captions is not None:
            from vidctl.files import sha256_of

            yield self._captions(captions), captions, sha256_of(captions)
            return
        held = self.store.media.of(thing.id, "captions")
        if engine == "captions" or (engine == "auto" and held):
            if not held:
                raise NotFound(
                    f"{thing.slug} has no captions beside its media",
                    hint=f"vidctl transcribe {thing.slug} --captions FILE",
                )
            with self.hosts.local(held[0]) as file:
                yield self._captions(file), file, held[0].sha256
            return
        source = self.source_of(thing)
        content = f"{source.sha256}|{self.config.text('transcribe.language')}"
        transcriber = self._local(download)
        with self.hosts.local(source) as file:
            yield transcriber, file, content

    def _captions(self, file: Path) -> Transcriber:
        made: Transcriber = registry.load(registry.TRANSCRIBERS["captions"])(file)
        return made

    def _local(self, download: bool) -> Transcriber:
        if download and self.is_offline:
            raise UsageError("--download and --offline exclude each other")
        if self._transcriber is None:
            self._transcriber = registry.load(registry.TRANSCRIBERS["local"])(
                model=self.config.text("transcribe.model"),
                language=self.config.text("transcribe.language") or None,
                threads=self.config.whole("transcribe.threads"),
                part_seconds=self.config.number("transcribe.part_seconds"),
                allow_download=download,
            )
        return self._transcriber

    def embedder(self) -> Embedder | None:
        """Return the embedding engine, None when the setting or this machine has none.

        Raises MissingExtra when ``embed.engine`` asks for one that is not installed.
        """
        engine = self.config.text("embed.engine")
        if engine == "none":
            return None
        if self._embedder is None:
            try:
                self._embedder = registry.load(registry.EMBEDDERS["local"])(
                    threads=self.config.whole("embed.threads")
                )
            except (MissingExtra, EngineUnavailable):
                if engine != "auto":
                    raise
        return self._embedder

    def chunking(self) -> dict[str, Any]:
        """Return the chunk settings. Raises UsageError when they cannot work together."""
        words, overlap = self.config.whole("chunk.words"), self.config.whole("chunk.overlap")
        if overlap >= words:
            raise UsageError(
                f"chunk.overlap ({overlap}) must be smaller than chunk.words ({words})",
                hint="vidctl config set chunk.overlap 50",
            )
        return {"words": words, "overlap": overlap}
