"""What is made of a media file before it is recorded: its place on the host, pictures, facts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl import failpoints
from vidctl.catalog.items import LONGEST_NAME, checked_type
from vidctl.errors import VidctlError
from vidctl.files import as_text, temporary_folder
from vidctl.ids import new_id
from vidctl.journey.episode import described, loudness_warning
from vidctl.journey.examine import Examined
from vidctl.journey.holds import Holds
from vidctl.journey.send import Terms, send, send_small
from vidctl.model.media import Content, MediaRow, Probe, StoredMedia
from vidctl.ports import MediaHost, Store
from vidctl.progress import Report
from vidctl.timecode import clock

if TYPE_CHECKING:
    from vidctl.media.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Beside:
    """Bytes on the host that belong to a media file, in a role such as ``thumbnail``."""

    role: str
    filename: str
    stored: StoredMedia


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that an item needs, on the host and at hand; only recording it is left.

    ``properties`` are the facts of the bytes, ``described`` what their tags say about the content.
    """

    seen: Examined
    probe: Probe
    stored: StoredMedia
    beside: tuple[Beside, ...] = ()
    properties: dict[str, Any] = field(default_factory=dict)
    described: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def rows(self, group_id: str, thing_id: str) -> list[MediaRow]:
        """Return the media rows to record, the source first."""
        source = Beside("source", self.seen.file.name, self.stored)
        return [
            MediaRow(
                id=new_id(),
                group_id=group_id,
                thing_id=thing_id,
                role=each.role,
                sha256=each.stored.sha256,
                size=each.stored.size,
                host=each.stored.host,
                locator=each.stored.locator,
                filename=each.filename,
                metadata=self.seen.memory if each is source else {},
            )
            for each in (source, *self.beside)
        ]


class Workshop:
    """What preparing needs at hand: where to put bytes, what decodes, who hears about it.

    ``holds`` keeps the places of what is sent; whoever records it settles them.
    """

    def __init__(
        self,
        *,
        store: Store,
        host: MediaHost,
        sandbox: Sandbox,
        terms: Terms,
        report: Report,
        holds: Holds,
    ) -> None:
        self.store = store
        self.host = host
        self.sandbox = sandbox
        self.terms = terms
        self.report = report
        self.holds = holds

    def prepare(self, seen: Examined, type: str, captions: Sequence[Path]) -> Prepared:
        """Put a new file on the host, with what is made of it and what lies beside it.

        Raises what ``MediaHost.put`` raises, and Conflict when the file changed meanwhile. All of
        it can be repeated: names come from hashes.
        """
        assert seen.probe is not None
        file, probed = seen.file, seen.probe
        stored = self.put(
            seen, Content(self.store.scope.home, seen.sha256, seen.size, file.path.suffix)
        )
        failpoints.reach("ingest.copied")
        self.report.step(file.label, "thumbnail")
        picture = self.thumbnail(seen)
        beside = ([picture] if picture else []) + [self.captions(seen, each) for each in captions]
        failpoints.reach("ingest.derived")
        found = facts(probed)
        if picture is not None:
            found["thumbnail"] = self.host.url(picture.stored.locator)
        if file.url:
            found["sourceUrl"] = file.url
        loudness, warnings = self._loudness(seen, type)
        if probed.truncated:
            warnings = (f"it ends early, after {clock(probed.duration)}", *warnings)
        return Prepared(
            seen,
            probed,
            stored,
            tuple(beside),
            {**found, **loudness},
            described(probed, type),
            warnings,
        )

    def put(self, seen: Examined, content: Content) -> StoredMedia:
        """Put the file's own bytes on the host, under the name that ``content`` gives them."""
        self.report.step(seen.file.label, "send")
        return send(
            seen.file.path,
            content,
            store=self.store,
            host=self.host,
            terms=self.terms,
            report=self.report,
            label=seen.file.label,
            origin=seen.file.origin,
            holds=self.holds,
        )

    def thumbnail(self, seen: Examined) -> Beside | None:
        """Put a picture of the file, or its cover, on the host; None where it has neither."""
        probed = seen.probe
        if probed is not None and probed.kind == "audio" and not probed.has_cover:
            return None
        with temporary_folder("vidctl-") as folder:
            picture = folder / "thumbnail.jpg"
            taken = self.sandbox.thumbnail(seen.file.path, picture)
            if taken is None or not picture.is_file():
                return None
            return Beside("thumbnail", picture.name, self._small(picture, seen))

    def captions(self, seen: Examined, file: Path) -> Beside:
        """Put a caption file on the host."""
        return Beside("captions", as_text(file.name), self._small(file, seen))

    def _small(self, file: Path, seen: Examined) -> StoredMedia:
        return send_small(
            file,
            store=self.store,
            host=self.host,
            terms=self.terms,
            report=self.report,
            label=seen.file.label,
            holds=self.holds,
        )

    def _loudness(self, seen: Examined, type: str) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Measure how loud an episode is. What cannot be measured is no reason to refuse it."""
        probed = seen.probe
        if type != "podcast" or not self.terms.measures_loudness or probed is None:
            return {}, ()
        self.report.step(seen.file.label, "loudness")
        try:
            measured = self.sandbox.loudness(seen.file.path)
        except VidctlError as error:
            return {}, (f"its loudness could not be measured: {error.message}",)
        warning = loudness_warning(measured, channels=probed.channels)
        return {"loudness": measured.record()}, (warning,) if warning else ()


def facts(probed: Probe) -> dict[str, Any]:
    """Return what a probe found as properties of an item: duration and ``media``."""
    media = {
        "format": probed.format,
        "size": probed.size,
        "videoCodec": probed.video_codec,
        "audioCodec": probed.audio_codec,
        "width": probed.width,
        "height": probed.height,
        "fps": None if probed.fps is None else round(probed.fps, 3),
        "sampleRate": probed.sample_rate,
        "channels": probed.channels,
        "truncated": probed.truncated or None,
    }
    return {
        "duration": round(probed.duration, 3),
        "media": {key: value for key, value in media.items() if value is not None},
    }


def type_of(wanted: str, probed: Probe) -> str:
    """Return the thing type of a file: what was asked for, else by whether it has a picture."""
    if not wanted:
        return "video" if probed.kind == "video" else "podcast"
    return checked_type(wanted)


def title_of(seen: Examined, probed: Probe) -> str:
    """Return the title in the file's tags, else its name with separators as spaces."""
    tagged = {key.lower(): value for key, value in probed.tags.items()}.get("title", "").strip()
    stem = seen.file.path.stem
    words = re.sub(r"[_\s]+", " ", stem.replace("-", " ")).strip()
    return as_text(tagged or words or stem or "untitled")[:LONGEST_NAME]
