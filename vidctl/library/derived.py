"""What is made of media: pictures, sound, outlines, kept with the item or written to a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl.errors import InvalidMedia, UsageError
from vidctl.files import atomic_writer, copy_file, make_folder, sha256_of, size_of
from vidctl.formats.storyboard import Tile, storyboard_vtt
from vidctl.journey.keep import Kept, Made, keep, url_of
from vidctl.journey.send import Terms
from vidctl.journey.sprites import address_of
from vidctl.library.core import now
from vidctl.library.making import (
    Bench,
    Goal,
    Subject,
    Work,
    folder_of,
    patience,
    target_of,
)
from vidctl.model.media import Content
from vidctl.outcome import Outcome
from vidctl.progress import Report, Silent

if TYPE_CHECKING:
    from vidctl.model.thing import Thing
    from vidctl.ports import MediaHost

KEEP = Goal()
QUIET = Silent()
CUES = "storyboard.vtt"
PICTURES = (".jpg", ".jpeg", ".png", ".webp")
UNCHANGED = "nothing was changed"


class Derived(Bench):
    """The part of the media controller that makes something.

    What is called ``reference`` is an existing file, or an item as people call it. A ``goal``
    that names no place keeps what is made with the item, in place of what was made before.
    """

    def thumb(
        self,
        reference: str,
        goal: Goal = KEEP,
        *,
        at: float | None = None,
        width: int = 640,
        report: Report = QUIET,
    ) -> Outcome:
        """Take a picture ``at`` a second, or the best of several, at most ``width`` pixels wide.

        Kept with the item, it becomes its ``thumbnail``.
        """
        if not 16 <= width <= 8192:
            raise UsageError("a thumbnail is 16 to 8192 pixels wide")
        arguments = {"at": at, "width": width}
        work = Work("thumbnail", ".jpg", "thumbnail", arguments, PICTURES)
        return self._make(reference, work, goal, report)

    def sheet(
        self,
        reference: str,
        goal: Goal = KEEP,
        *,
        columns: int = 5,
        rows: int = 4,
        width: int = 1600,
        report: Report = QUIET,
    ) -> Outcome:
        """Make a contact sheet: pictures spread over a video, each with its time."""
        arguments = {"columns": columns, "rows": rows, "width": width}
        work = Work("sheet", ".sheet.jpg", "sheet", arguments, PICTURES)
        return self._make(reference, work, goal, report)

    def preview(
        self,
        reference: str,
        goal: Goal = KEEP,
        *,
        seconds: float = 3.0,
        width: int = 320,
        report: Report = QUIET,
    ) -> Outcome:
        """Make an animated WebP of several moments of a video."""
        arguments = {"seconds": seconds, "width": width}
        work = Work("preview", ".preview.webp", "preview", arguments, (".webp",))
        return self._make(reference, work, goal, report)

    def audio(
        self,
        reference: str,
        goal: Goal = KEEP,
        *,
        form: str = "opus",
        bitrate: int | None = None,
        mono: bool = False,
        rate: int | None = None,
        report: Report = QUIET,
    ) -> Outcome:
        """Make a sound file: ``form`` is opus, mp3 or wav, ``bitrate`` in bits a second."""
        from vidctl.media.convert import checked_form

        checked_form(form, bitrate, rate)
        arguments = {"form": form, "bitrate": bitrate, "mono": mono, "rate": rate}
        return self._make(reference, Work("audio", f".{form}", "convert", arguments), goal, report)

    def peaks(
        self,
        reference: str,
        goal: Goal = KEEP,
        *,
        points: int = 800,
        keeps: bool = False,
        report: Report = QUIET,
    ) -> Outcome:
        """Return the outline of the sound as audiowaveform's JSON, version 2.

        ``keeps`` keeps it with the item, ``goal.out`` writes it to a file; else it is only shown.
        """
        subject = self.subject(reference)
        work = Work("peaks", ".peaks.json", "peaks", {"points": points}, (".json",))
        if keeps and subject.thing is None:
            raise UsageError("a file has nowhere to keep its waveform", hint="--out FILE")
        target = target_of(subject, work, goal) if goal.out else None
        if keeps:
            self._allow_keeping(subject)
        with self.opened(subject) as path:
            found = self._called(work, path)
        if goal.rehearse or not (keeps or target):
            notes = [UNCHANGED] if goal.rehearse else []
            return Outcome({**subject.record(), **found}, notes=notes)
        text = json.dumps(found, separators=(",", ":")).encode()
        if target is not None:
            _write(target, text)
            return Outcome({**subject.record(), "file": str(target), **found})
        with self.scratch(subject) as folder:
            file = folder / "peaks.json"
            _write(file, text)
            kept = self._keep(subject, [Made("peaks", file, file.name, {"points": points})], report)
        return Outcome(
            {**subject.record(), **self._kept_record(kept), **found}, notes=[*kept.notes]
        )

    def storyboard(
        self,
        reference: str,
        goal: Goal = KEEP,
        *,
        every: float | None = None,
        columns: int | None = None,
        rows: int | None = None,
        width: int = 160,
        report: Report = QUIET,
    ) -> Outcome:
        """Make what players show above the time line: sheets of small pictures, and their cues.

        There is a picture ``every`` so many seconds, or ``columns`` by ``rows`` of them in all. The
        cues are WebVTT whose text names a rectangle of a sheet.
        """
        arguments = {"every": every, "columns": columns, "rows": rows, "width": width}
        work = Work("storyboard", ".storyboard", "storyboard", arguments)
        subject = self.subject(reference)
        target = folder_of(subject, goal, CUES)
        if target is None:
            self._allow_keeping(subject)
        if goal.rehearse:
            return self._rehearsed(subject, work, target)
        report.step(subject.label, work.role)
        with self.opened(subject) as path, self.scratch(subject) as folder:
            board = self._called(work, path, folder=folder)
            if target is not None:
                return self._written(subject, board, folder, target)
            return self._kept_board(subject, board, folder, report)

    def _written(
        self, subject: Subject, board: dict[str, Any], folder: Path, target: Path
    ) -> Outcome:
        """Copy a storyboard out, the cues last: they name files that are there."""
        make_folder(target)
        for name in board["sheets"]:
            copy_file(folder / name, target / name, sha256=None)
        _write(target / CUES, storyboard_vtt(_tiles(board, board["sheets"])).encode())
        return Outcome(
            {
                **subject.record(),
                "role": "storyboard",
                "file": str(target / CUES),
                "sheets": [str(target / name) for name in board["sheets"]],
                **_board_record(board),
            }
        )

    def _kept_board(
        self, subject: Subject, board: dict[str, Any], folder: Path, report: Report
    ) -> Outcome:
        host = self._host(subject)
        sheets = [folder / name for name in board["sheets"]]
        addresses = [address_of(self._locator(subject, file, host), host) for file in sheets]
        _write(folder / CUES, storyboard_vtt(_tiles(board, addresses)).encode())
        about = _board_record(board)
        made = [Made("storyboard", file, file.name, about) for file in sheets]
        kept = self._keep(
            subject, [*made, Made("storyboard_cues", folder / CUES, CUES, about)], report
        )
        urls = [url_of(row, self.library.hosts.named) for row in kept.rows]
        record = {**self._kept_record(kept), "sheets": urls[:-1]}
        return Outcome({**subject.record(), **record, **about}, notes=[*kept.notes])

    def _locator(self, subject: Subject, file: Path, host: MediaHost) -> str:
        assert subject.thing is not None
        sha256 = sha256_of(file, lambda done, total: None)
        return host.locate(Content(subject.thing.group_id, sha256, size_of(file), file.suffix))

    def _make(self, reference: str, work: Work, goal: Goal, report: Report) -> Outcome:
        """Make one file of something, and keep it with the item or write it out."""
        subject = self.subject(reference)
        target = target_of(subject, work, goal)
        if target is None:
            self._allow_keeping(subject)
        if goal.rehearse:
            return self._rehearsed(subject, work, target)
        report.step(subject.label, work.role)
        with self.opened(subject) as path:
            if target is not None:
                found = self._called(work, path, target=target)
                record = {"role": work.role, "file": str(target), "size": size_of(target)}
                return Outcome({**subject.record(), **record, **found})
            with self.scratch(subject) as folder:
                file = folder / f"{subject.stem}{work.suffix}"
                found = self._called(work, path, target=file)
                kept = self._keep(subject, [Made(work.role, file, file.name, found)], report)
        return Outcome(
            {**subject.record(), **self._kept_record(kept), **found}, notes=[*kept.notes]
        )

    def _called(self, work: Work, path: Path, **places: Path) -> dict[str, Any]:
        """Do the work in the sandbox. Raises InvalidMedia where a thumbnail has no picture."""
        sandbox = self.sandbox
        limit = patience(sandbox.probe(path, verify=False).duration)
        found = sandbox.call(work.call, limit=limit, path=path, **places, **work.arguments)
        if work.call != "thumbnail":
            return dict(found)
        if found is None:
            raise InvalidMedia(
                "there is no picture to make a thumbnail of", hint="give a video", item=str(path)
            )
        return {"at": float(found)}

    def _allow_keeping(self, subject: Subject) -> None:
        assert subject.thing is not None
        self.library.allow("edit", subject.thing)
        self.library.writable([subject.thing])

    def _rehearsed(self, subject: Subject, work: Work, target: Path | None) -> Outcome:
        file = None if target is None else str(target)
        host = subject.row.host if target is None and subject.row is not None else None
        record = {"role": work.role, "file": file, "host": host}
        return Outcome({**subject.record(), **record, **work.arguments}, notes=[UNCHANGED])

    def _host(self, subject: Subject) -> MediaHost:
        """Return the host that an item's media are on: what is made of them goes there as well."""
        assert subject.row is not None
        return self.library.hosts.named(subject.row.host)

    def _keep(self, subject: Subject, made: Sequence[Made], report: Report) -> Kept:
        assert subject.thing is not None
        return keep(
            subject.thing,
            made,
            store=self.library.store_of(subject.thing.group_id),
            host=self._host(subject),
            named=self.library.hosts.named,
            terms=self._terms(subject.thing),
            report=report,
            actor=self.library.actor,
            now=now,
        )

    def _terms(self, thing: Thing) -> Terms:
        """Pay for what is sent, on the account of an item."""
        costs = self.library.costs
        return Terms(pay=lambda host, content: costs.sending(host, content, thing))

    def _kept_record(self, kept: Kept) -> dict[str, Any]:
        row = kept.rows[-1]
        return {
            "role": row.role,
            "host": row.host,
            "size": sum(each.size for each in kept.rows),
            "url": url_of(row, self.library.hosts.named),
            "changed": kept.is_new,
        }


def _tiles(board: dict[str, Any], addresses: Sequence[str]) -> Iterable[Tile]:
    size = board["width"], board["height"]
    for start, end, number, left, top in board["cues"]:
        yield Tile(start, end, addresses[number], left, top, *size)


def _board_record(board: dict[str, Any]) -> dict[str, Any]:
    return {
        "pictures": len(board["cues"]),
        "every": board["every"],
        "width": board["width"],
        "height": board["height"],
    }


def _write(target: Path, content: bytes) -> None:
    with atomic_writer(target) as file:
        file.write(content)
