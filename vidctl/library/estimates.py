"""How much of what a piece of work takes, before it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl import paths
from vidctl.catalog import costs
from vidctl.errors import NotFound, UsageError, VidctlError

if TYPE_CHECKING:
    from vidctl.library.core import Library
    from vidctl.model.thing import Thing

# What runs on this machine, and so is free.
LOCAL_ENGINES = ("auto", "captions", "local", "none")
PAID_ENGINES = ("openai",)


class Estimates:
    """Reckons units for items and files; ``host`` and ``engine`` empty are the settings'."""

    def __init__(self, library: Library, *, host: str = "", engine: str = "") -> None:
        self.library = library
        self.host = host
        self.engine = engine

    def of(
        self, operation: str, references: Sequence[str]
    ) -> tuple[str, list[dict[str, Any]], list[VidctlError]]:
        """Return the service that is paid, a row with ``units`` for each reference, and errors.

        The service is empty where nobody is. Raises UsageError for an unknown operation, host or
        engine.
        """
        reckoners: dict[str, Callable[[Path | Thing], dict[str, Any]]] = {
            "upload": self._upload,
            "transcribe": self._transcribe,
            "embed": self._embed,
        }
        if operation not in reckoners:
            raise UsageError(f"costs are of {', '.join(reckoners)}, not of {operation!r}")
        service = self._service(operation)
        rows: list[dict[str, Any]] = []
        errors: list[VidctlError] = []
        for reference in references:
            try:
                units = reckoners[operation](self._meant(reference))
            except VidctlError as error:
                error.item = error.item or reference
                errors.append(error)
            else:
                rows.append({"what": reference, "units": units})
        return service, rows, errors

    def _service(self, operation: str) -> str:
        if operation == "upload":
            if self.engine:
                raise UsageError("an upload goes to a host, not to an engine", hint="--to HOST")
            host = self.library.hosts.named(self.host or self.library.hosts.default_name)
            return "" if host.is_local else host.kind
        if self.host:
            raise UsageError("only an upload goes to a host", hint="--engine ENGINE")
        engine = self.engine or self.library.config.text(f"{operation}.engine")
        if engine not in (*LOCAL_ENGINES, *PAID_ENGINES):
            raise UsageError(
                f"there is no engine {engine!r}",
                hint=f"--engine {'|'.join((*LOCAL_ENGINES, *PAID_ENGINES))}",
            )
        return engine if engine in PAID_ENGINES else ""

    def _meant(self, reference: str) -> Path | Thing:
        """Return the file of that name, else the item."""
        path = paths.expanded(reference)
        if path.is_file():
            return path
        try:
            return self.library.resolve(reference)
        except NotFound:
            raise NotFound("is neither a file nor an item here", item=reference) from None

    def _upload(self, meant: Path | Thing) -> dict[str, float]:
        host = self.library.hosts.named(self.host or self.library.hosts.default_name)
        if isinstance(meant, Path):
            return host.meter(meant.stat().st_size)
        return host.meter(self.library.source_of(meant).size)

    def _transcribe(self, meant: Path | Thing) -> dict[str, float]:
        return {"seconds": round(self._duration(meant), 3)}

    def _embed(self, meant: Path | Thing) -> dict[str, float]:
        words = 0
        if not isinstance(meant, Path):
            segments = self.library.store.segments.of(meant.id)
            words = sum(len(segment.text.split()) for segment in segments)
        if not words:
            words = round(self._duration(meant) / 60 * costs.WORDS_A_MINUTE)
        chunking = self.library.chunking()
        tokens = costs.tokens_of(words, chunk_words=chunking["words"], overlap=chunking["overlap"])
        return {"tokens": tokens}

    def _duration(self, meant: Path | Thing) -> float:
        """Return the length in seconds. Raises InvalidMedia for a file without one."""
        if isinstance(meant, Path):
            return float(self.library.sandbox.probe(meant).duration)
        duration = meant.properties.get("duration")
        if duration is None:
            raise NotFound(
                f"how long {meant.slug} is, is not known",
                hint="vidctl cost estimate transcribe FILE",
            )
        return float(duration)
