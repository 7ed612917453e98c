"""Take files in, many at a time: one failure is one error, the others go through.

However many files there are, few are at work, and what becomes of each is told as it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from vidctl.batch.captions import Captions
from vidctl.batch.inputs import (
    Inputs,
    by_name,
    gathered,
    name_of,
    opened,
    replaceable,
    shown,
    size_if_known,
)
from vidctl.batch.plan import Plan, check
from vidctl.batch.pool import Gate, Pool
from vidctl.batch.process import process
from vidctl.batch.tally import Done, Tally
from vidctl.batch.turns import Turns
from vidctl.batch.watching import PASSING, Watching
from vidctl.errors import MissingKey, StorageFailed, StorageFull, VidctlError
from vidctl.files import refusal_of
from vidctl.journey.ingest import Details, Ingested, ingest
from vidctl.journey.replace import Replaced, replace_media
from vidctl.journey.send import Terms
from vidctl.library import Library, now
from vidctl.net.fetch import Fetcher
from vidctl.outcome import Outcome
from vidctl.progress import Report
from vidctl.transfer import Pace

if TYPE_CHECKING:
    from pathlib import Path

    from vidctl.model.media import Content
    from vidctl.ports import MediaHost
    from vidctl.sources import Source

# A file and its place among the sources.
Numbered = tuple[int, "Source"]


def upload(
    library: Library,
    patterns: Sequence[str],
    details: Details,
    *,
    plan: Plan,
    report: Report,
    stdin: BinaryIO | None = None,
) -> Outcome:
    """Take in what paths, folders, globs, links and ``-`` (a list on ``stdin``) name.

    New items are processed as far as ``plan.work`` says. Raises UsageError for a plan that makes
    no sense for these sources, and what the library refuses as a whole; what goes wrong with one
    file is one of the outcome's errors. The data has ``items``, ``total`` and counts of what is
    ``new``, ``known``, ``failed`` and ``left`` undone.
    """
    library.allow("add")
    check(library, plan, details)
    inputs = gathered(library, patterns, plan, details, stdin)
    if plan.is_rehearsal:
        from vidctl.batch.rehearse import rehearse

        return rehearse(library, inputs, plan, report)
    library.writable()
    return _Upload(library, details, plan, report).run(inputs)


class _Upload:
    def __init__(self, library: Library, details: Details, plan: Plan, report: Report) -> None:
        self.library = library
        self.details = details
        self.plan = plan
        self.report = report
        self.gate = Gate(plan.max_items)
        self.pace = Pace(plan.rate, sleep=self.gate.sleep)
        self.captions = Captions()
        self.turns = Turns(self.gate.heed)
        self.watching: Watching | None = None
        self.host = library.hosts.named(plan.host or library.hosts.default_name)
        self.replaced = replaceable(library, plan)
        self.actor = library.actor
        self.is_processing = plan.work.transcribe or plan.work.index
        self.tally = Tally(keeps_things=self.is_processing)
        self._labels: dict[int, str] = {}

    def run(self, inputs: Inputs) -> Outcome:
        """Take everything in, process it, and say how it went."""
        self.fetcher = self._fetcher(any(source.url for source in inputs.listed))
        for error in inputs.errors:
            self.tally.fail(error)
        pool: Pool[Numbered, Done] = Pool(
            self._worker, self._done, jobs=self.plan.jobs, gate=self.gate
        )
        if inputs.watched is None:
            pool.run(self._entered(self._fed(inputs)))
        else:
            self._follow(inputs.watched, pool)
        self._process()
        details = self.details
        return self.tally.outcome(
            halting=self.gate.halting,
            host=self.host.name,
            has_details=bool(
                details.title or details.properties or details.is_published or details.type
            ),
        )

    def _fetcher(self, has_links: bool) -> Fetcher:
        """Return what fetches links; files alone go in without a word on where links may lead."""
        config = self.library.config
        return Fetcher(
            config.text("net.allow_private") if has_links else "",
            timeout=config.number("net.timeout"),
            max_bytes=int(config.number("net.max_gb") * 10**9),
            heed=self.gate.heed,
        )

    def _follow(self, folder: Path, pool: Pool[Numbered, Done]) -> None:
        """Take in what appears in a folder until Ctrl-C."""
        self.watching = Watching(folder, self.gate, self.report, rest=pool.rest)
        # Ctrl-C is how watching ends; a list that is cut short is another matter.
        with suppress(KeyboardInterrupt):
            pool.run(self._entered(self.watching.sources()))
        self.watching.close(self.tally)

    def _done(self, done: Done) -> None:
        label = self._labels.pop(done.number)
        if self.watching is None or self.watching.counts(done, label):
            self.tally.add(done)
        if self.watching is not None:
            self._process()

    def _fed(self, inputs: Inputs) -> Iterator[Numbered]:
        """Yield what is to be done, until something says that the next would fail as well."""
        for number, source in enumerate(inputs.listed):
            if self.gate.is_shut:
                self.tally.left += 1
                continue
            yield number, source

    def _entered(self, files: Iterator[Numbered]) -> Iterator[Numbered]:
        """Yield files, each after its place among those under way was written down."""
        for number, source in files:
            self._labels[number] = shown(source)
            self.turns.enter(number, size=size_if_known(source), name=name_of(source))
            yield number, source

    @contextmanager
    def _worker(self) -> Iterator[Callable[[Numbered], Done]]:
        """Give a thread a connection of its own."""
        own = self.library if self.plan.jobs <= 1 else self.library.again()
        try:
            with self.gate.ended_by(own.sandbox.close):
                yield partial(self._one, own, self._terms(own))
        finally:
            if own is not self.library:
                own.close()

    def _terms(self, own: Library) -> Terms:
        @contextmanager
        def pay(host: MediaHost, content: Content) -> Iterator[None]:
            with self.gate.watch_host(), own.costs.sending(host, content):
                yield

        return Terms(
            admit=self.gate.admit,
            alone=self.gate.alone,
            pay=pay,
            pace=self._pace,
            heed=self.gate.heed,
            captions=self.captions,
            longest=self.plan.max_duration,
            takes_truncated=self.plan.takes_truncated,
            measures_loudness=self.plan.measures_loudness,
            is_rereading=self.plan.skip == "hash",
        )

    def _pace(self, size: int) -> None:
        self.gate.heed()
        self.pace(size)

    def _one(self, own: Library, terms: Terms, numbered: Numbered) -> Done:
        number, source = numbered
        try:
            done = self._left_out(own, number, source)
            terms = replace(terms, alone=partial(self._alone, number))
            done = done or Done(number, self._taken(own, terms, source))
        except (VidctlError, OSError) as error:
            refused = refusal_of(error) if isinstance(error, OSError) else error
            done = self._failed(number, source, refused)
            if self.watching is None or isinstance(done.error, PASSING):
                self.report.drop(shown(source))
                return done
        finally:
            self.turns.leave(number)
        self.report.finish(shown(source), done.said)
        return done

    def _left_out(self, own: Library, number: int, source: Source) -> Done | None:
        if self.plan.skip != "name":
            return None
        self.turns.await_name(number)
        return by_name(own, number, source)

    @contextmanager
    def _alone(self, number: int, sha256: str) -> Iterator[None]:
        """Work on bytes while no other thread does, after those that name them first."""
        self.turns.await_bytes(number, sha256)
        with self.gate.alone(sha256):
            yield

    def _failed(self, number: int, source: Source, error: VidctlError) -> Done:
        if error is self.gate.full:
            self.gate.halt(error)
            return Done(number)
        # The next file would fail as well. What cannot be read names itself.
        if isinstance(error, StorageFull | MissingKey) or (
            isinstance(error, StorageFailed) and not error.item
        ):
            self.gate.halt(error)
        error.item = source.name
        return Done(number, error=error)

    def _taken(self, own: Library, terms: Terms, source: Source) -> Ingested | Replaced:
        label = shown(source)

        def advance(done: float, total: float) -> None:
            self.gate.heed()
            self.report.advance(label, done, total)

        if source.url:
            self.report.step(label, "fetch")
        with opened(own, source, self.fetcher, advance=advance, pace=self._pace) as file:
            shared: dict[str, Any] = {
                "store": own.store,
                "host": self.host,
                "sandbox": own.sandbox,
                "actor": self.actor,
                "report": self.report,
                "now": now,
                "terms": terms,
            }
            if self.replaced is not None:
                named = self.library.hosts.named
                shared["store"] = own.store_of(self.replaced.group_id)
                return replace_media(file, self.replaced, self.details, named=named, **shared)
            return ingest(file, self.details, **shared)

    def _process(self) -> None:
        """Take what is in the library as far as the plan says, unless it is somebody else's."""
        if not self.is_processing:
            return
        for thing_id in list(self.tally.things):
            thing = self.library.store.things.find(thing_id)
            if thing is not None and self.library.may("edit", thing):
                outcome = process(self.library, [thing], self.plan.work, report=self.report)
                for error in outcome.errors:
                    self.tally.fail(error)
                thing = self.library.store.things.get(thing_id)
                self.tally.update(thing, processed=outcome.data["items"][0])
            self.tally.things.pop(thing_id)
