"""Take one media file in: hash, probe, copy, thumbnail, then one transaction that says so.

Everything before the transaction can be repeated: the copy's name comes from its hash. So a
process killed at any point leaves either nothing in the library or the whole item, and running
the same command again finishes the work.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vidctl import failpoints
from vidctl.catalog.items import LONGEST_NAME, add_item, checked_type
from vidctl.errors import Conflict, TruncatedMedia
from vidctl.files import sha256_of
from vidctl.ids import new_id
from vidctl.media.probe import probe
from vidctl.media.thumbnail import thumbnail
from vidctl.model.event import Event
from vidctl.model.media import MediaRow, Probe, StoredMedia
from vidctl.model.thing import Thing
from vidctl.ports import MediaHost, Store
from vidctl.progress import Report


@dataclass(frozen=True, slots=True)
class Details:
    """What the person says about the files of an upload; empty means "find out"."""

    type: str = ""
    title: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    is_published: bool = False
    captions: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Ingested:
    """An item that is in the library; ``is_new`` is false when its bytes were there before."""

    thing: Thing
    is_new: bool
    size: int
    duration: float


def ingest(
    path: Path,
    details: Details,
    *,
    store: Store,
    host: MediaHost,
    actor: Thing,
    report: Report,
    now: Callable[[], int],
) -> Ingested:
    """Take a file into the scope's home group and return the item.

    Raises InvalidMedia for a file that is no audio or video, TruncatedMedia for one cut short,
    StorageFull and StorageFailed when it cannot be copied; then nothing is recorded.
    """
    began = time.monotonic()
    label = path.name
    report.step(label, "hash")
    probed = probe(path)
    if probed.truncated:
        raise TruncatedMedia(
            f"the file ends early: about {probed.duration:.0f} s of it can be read",
            hint="copy or download it again",
        )
    sha256 = sha256_of(path, lambda done, total: report.advance(label, done, total))
    held = _held(store, sha256)
    if held is not None:
        _restore(path, held, details, store=store, host=host)
        return Ingested(held, False, probed.size, probed.duration)
    report.step(label, "copy")
    stored = host.put(path, group_id=store.scope.home, sha256=sha256, suffix=path.suffix)
    failpoints.reach("ingest.copied")
    report.step(label, "thumbnail")
    picture = _thumbnail(path, store=store, host=host)
    captions = [_caption(file, store=store, host=host) for file in details.captions]
    failpoints.reach("ingest.derived")
    prepared = _Prepared(path, probed, stored, picture, captions)
    try:
        thing = _record(prepared, details, store, actor, now, time.monotonic() - began)
    except Conflict:
        # Another process took the same bytes in while this one copied them.
        held = _held(store, sha256)
        if held is None:
            raise
        return Ingested(held, False, probed.size, probed.duration)
    return Ingested(thing, True, probed.size, probed.duration)


def _held(store: Store, sha256: str) -> Thing | None:
    row = store.media.by_hash(sha256)
    return None if row is None else store.things.get(row.thing_id)


def _restore(path: Path, held: Thing, details: Details, *, store: Store, host: MediaHost) -> None:
    """Put bytes back that have gone from the host since the item was taken in."""
    for row in store.media.of(held.id):
        if row.host != host.name or host.exists(row.locator, size=row.size):
            continue
        if row.role == "source":
            suffix = Path(row.locator).suffix
            host.put(path, group_id=row.group_id, sha256=row.sha256, suffix=suffix)
        elif row.role == "thumbnail":
            _thumbnail(path, store=store, host=host)
        else:
            for file in details.captions:
                _caption(file, store=store, host=host)


@dataclass(frozen=True, slots=True)
class _Prepared:
    path: Path
    probe: Probe
    stored: StoredMedia
    thumbnail: StoredMedia | None
    captions: list[tuple[Path, StoredMedia]]


def _thumbnail(path: Path, *, store: Store, host: MediaHost) -> StoredMedia | None:
    with tempfile.TemporaryDirectory(prefix="vidctl-") as folder:
        picture = Path(folder) / "thumbnail.jpg"
        if thumbnail(path, picture) is None or not picture.is_file():
            return None
        return host.put(
            picture, group_id=store.scope.home, sha256=sha256_of(picture, _unheard), suffix=".jpg"
        )


def _caption(file: Path, *, store: Store, host: MediaHost) -> tuple[Path, StoredMedia]:
    stored = host.put(
        file, group_id=store.scope.home, sha256=sha256_of(file, _unheard), suffix=file.suffix
    )
    return file, stored


def _record(
    prepared: _Prepared,
    details: Details,
    store: Store,
    actor: Thing,
    now: Callable[[], int],
    seconds: float,
) -> Thing:
    probed, stored = prepared.probe, prepared.stored
    type = type_of(details.type, probed)
    thing_id = new_id()
    uploaded = Event(
        "content_event",
        "video_uploaded",
        actor_id=actor.id,
        metadata={
            "size": probed.size,
            "format": probed.format,
            "duration": round(probed.duration, 3),
            "processingTime": round(seconds, 3),
            "mediaType": probed.kind,
            "sha256": stored.sha256,
            "host": stored.host,
        },
    )
    properties = _properties(prepared, details)
    with store.transaction():
        thing = add_item(
            store=store,
            actor=actor,
            type=type,
            name=details.title or title_of(prepared.path, probed),
            properties=properties,
            status="published" if details.is_published else "draft",
            now=now,
            thing_id=thing_id,
            events=[uploaded],
        )
        for role, name, media in _media(prepared):
            store.media.add(
                MediaRow(
                    id=new_id(),
                    group_id=thing.group_id,
                    thing_id=thing.id,
                    role=role,
                    sha256=media.sha256,
                    size=media.size,
                    host=media.host,
                    locator=media.locator,
                    filename=name,
                )
            )
    return thing


def _media(prepared: _Prepared) -> list[tuple[str, str, StoredMedia]]:
    rows = [("source", as_text(prepared.path.name), prepared.stored)]
    if prepared.thumbnail is not None:
        rows.append(("thumbnail", "thumbnail.jpg", prepared.thumbnail))
    return rows + [("captions", as_text(file.name), stored) for file, stored in prepared.captions]


def type_of(wanted: str, probed: Probe) -> str:
    """Return the thing type of a file: what was asked for, else by whether it has a picture."""
    if not wanted:
        return "video" if probed.kind == "video" else "podcast"
    return checked_type(wanted)


def title_of(path: Path, probed: Probe) -> str:
    """Return the title in the file's tags, else its name with separators as spaces."""
    tagged = {key.lower(): value for key, value in probed.tags.items()}.get("title", "").strip()
    words = re.sub(r"[_\s]+", " ", path.stem.replace("-", " ")).strip()
    return as_text(tagged or words or path.stem or "untitled")[:LONGEST_NAME]


def as_text(name: str) -> str:
    """Return a name with what is not text in it (bytes that are no UTF-8) replaced by U+FFFD."""
    return re.sub("[\ud800-\udfff]", "\ufffd", name)


def _properties(prepared: _Prepared, details: Details) -> dict[str, Any]:
    probed = prepared.probe
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
    }
    found: dict[str, Any] = {
        "duration": round(probed.duration, 3),
        "media": {key: value for key, value in media.items() if value is not None},
    }
    if prepared.thumbnail is not None:
        found["thumbnail"] = "./media/" + prepared.thumbnail.locator
    return {**found, **details.properties}


def _unheard(done: float, total: float) -> None: ...
