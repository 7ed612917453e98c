"""How much of what a piece of work takes, before it is done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from vidctl import paths
from vidctl.catalog import costs
from vidctl.errors import NotFound, UsageError, VidctlError
from vidctl.journey.examine import MediaFile, examine
from vidctl.journey.send import Terms
from vidctl.model.thing import Thing
from vidctl.sources import Source, gather

if TYPE_CHECKING:
    from vidctl.library.core import Library
    from vidctl.progress import Report

# What runs on this machine, and so is free.
LOCAL_ENGINES = ("auto", "captions", "local", "none")
PAID_ENGINES = ("openai",)
# What becomes of something: it is paid for, or it is there and nobody is asked for it again.
NEW, HERE, TWICE = STATES = ("new", "already here", "same as above")
# A file that ends early may be meant to be taken as it is.
LENIENT = Terms(takes_truncated=True)

Row = dict[str, Any]


class Estimates:
    """Reckons units for items and files; ``host`` and ``engine`` empty are the settings'.

    ``stdin`` gives the list that the reference ``-`` stands for. Use one for each estimate: what
    was seen once costs nothing a second time.
    """

    def __init__(
        self,
        library: Library,
        *,
        host: str,
        engine: str,
        stdin: BinaryIO | None,
        report: Report,
    ) -> None:
        self.library = library
        self.host_name = host
        self.engine = engine
        self.stdin = stdin
        self.report = report
        self.seen: set[str] = set()

    def of(
        self, operation: str, references: Sequence[str]
    ) -> tuple[str, list[Row], list[VidctlError]]:
        """Return the service that is paid, a row for each file or item, and errors.

        A row has ``what``, ``units``, a ``state`` of STATES, and the ``item`` that is there. The
        service is empty where nobody is paid. Raises UsageError for an unknown operation, host or
        engine.
        """
        reckoners: dict[str, Callable[[str, Path | Thing], Row]] = {
            "upload": self._upload,
            "transcribe": self._transcribe,
            "embed": self._embed,
        }
        if operation not in reckoners:
            raise UsageError(f"costs are of {', '.join(reckoners)}, not of {operation!r}")
        service = self._service(operation)
        rows: list[Row] = []
        errors: list[VidctlError] = []
        for what, meant in self._meant(references):
            try:
                if isinstance(meant, VidctlError):
                    raise meant
                rows.append(reckoners[operation](what, meant))
            except VidctlError as error:
                error.item = what
                errors.append(error)
        return service, rows, errors

    def _service(self, operation: str) -> str:
        if operation == "upload":
            if self.engine:
                raise UsageError("an upload goes to a host, not to an engine", hint="--to HOST")
            host = self.library.hosts.named(self.host_name or self.library.hosts.default_name)
            return "" if host.is_local else host.kind
        if self.host_name:
            raise UsageError("only an upload goes to a host", hint="--engine ENGINE")
        engine = self.engine or self.library.config.text(f"{operation}.engine")
        if engine not in (*LOCAL_ENGINES, *PAID_ENGINES):
            raise UsageError(
                f"there is no engine {engine!r}",
                hint=f"--engine {'|'.join((*LOCAL_ENGINES, *PAID_ENGINES))}",
            )
        return engine if engine in PAID_ENGINES else ""

    def _meant(self, references: Sequence[str]) -> Iterator[tuple[str, Path | Thing | VidctlError]]:
        """Yield what references name, each once: files, else an item, else why it is neither."""
        if list(references).count("-") > 1:
            raise UsageError("the list on the standard input can be read once")
        named: set[Source | str] = set()
        for reference in references:
            sources, errors = gather([reference], self.stdin)
            for source in sources:
                if source not in named:
                    named.add(source)
                    yield self._file(source)
            for error in errors:
                meant = self._item(error)
                key = meant.id if isinstance(meant, Thing) else error.item
                if key not in named:
                    named.add(key)
                    yield error.item, meant

    def _file(self, source: Source) -> tuple[str, Path | VidctlError]:
        if source.path is None:
            unknown = NotFound(
                "how large it is, is known when it is fetched",
                hint="download it, then: vidctl cost estimate upload FILE",
            )
            return source.name, unknown
        folder = Path.cwd()
        is_inside = source.path.is_relative_to(folder)
        return os.path.relpath(source.path, folder) if is_inside else source.name, source.path

    def _item(self, error: VidctlError) -> Thing | VidctlError:
        """Return the item of the name that no file has, else what is wrong with the name."""
        if not isinstance(error, NotFound):
            return error
        try:
            return self.library.resolve(error.item)
        except NotFound:
            if paths.expanded(error.item).exists():
                return error
            return NotFound("is neither a file nor an item here", item=error.item)
        except VidctlError as refused:
            return refused

    # --- units ----------------------------------------------------------------------------------

    def _upload(self, what: str, meant: Path | Thing) -> Row:
        host = self.library.hosts.named(self.host_name or self.library.hosts.default_name)
        if isinstance(meant, Thing):
            source = self.library.source_of(meant)
            if source.host == host.name:
                return _row(what, {}, HERE, meant)
            return _row(what, host.meter(source.size))
        if host.is_local:  # free, whatever is in it
            return _row(what, {})
        seen = examine(
            MediaFile(meant, what),
            store=self.library.store,
            sandbox=self.library.sandbox,
            terms=LENIENT,
            report=self.report,
        )
        if seen.held is not None:
            return _row(what, {}, HERE, seen.held)
        if seen.sha256 in self.seen:
            return _row(what, {}, TWICE)
        self.seen.add(seen.sha256)
        return _row(what, host.meter(seen.size))

    def _transcribe(self, what: str, meant: Path | Thing) -> Row:
        return _row(what, {"seconds": round(self._duration(meant), 3)})

    def _embed(self, what: str, meant: Path | Thing) -> Row:
        words = 0
        if isinstance(meant, Thing):
            segments = self.library.store.segments.of(meant.id)
            words = sum(len(segment.text.split()) for segment in segments)
        if not words:
            words = round(self._duration(meant) / 60 * costs.WORDS_A_MINUTE)
        chunking = self.library.chunking()
        tokens = costs.tokens_of(words, chunk_words=chunking["words"], overlap=chunking["overlap"])
        return _row(what, {"tokens": tokens})

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


def _row(what: str, units: dict[str, float], state: str = NEW, thing: Thing | None = None) -> Row:
    return {
        "what": what,
        "units": units,
        "state": state,
        "item": None if thing is None else thing.slug,
    }
