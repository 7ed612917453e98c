"""A library in use: the only place where settings meet implementations."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl import registry
from vidctl.config import Config
from vidctl.errors import (
    Conflict,
    EngineUnavailable,
    MissingExtra,
    NoLibrary,
    NotFound,
    UsageError,
    VidctlError,
)
from vidctl.ids import new_id
from vidctl.model.group import Group
from vidctl.model.scope import Scope
from vidctl.model.thing import MEDIA_TYPES, Thing, ThingQuery
from vidctl.store.sqlite import SqliteLibrary

if TYPE_CHECKING:
    from vidctl.model.media import MediaRow
    from vidctl.ports import Embedder, MediaHost, Transcriber
    from vidctl.store.groups import GroupDirectory

BATCH = 500


def now() -> int:
    """Return the present as epoch milliseconds."""
    return time.time_ns() // 1_000_000


class _TakenBack(Exception):
    """Ends a rehearsal's transaction."""


class Library:
    """An open library with the scope that a command works in.

    ``store`` is opened for the scope; ``home`` is the id of the group that new rows go to.
    """

    def __init__(
        self,
        config: Config,
        database: SqliteLibrary,
        scope: Scope,
        *,
        root: str | None,
        offline: bool,
    ) -> None:
        self.config = config
        self.database = database
        self.scope = scope
        self.root = root
        self.is_offline = offline
        self.store = database.open(scope)
        self._embedder: Embedder | None = None
        self._transcriber: Transcriber | None = None

    @classmethod
    def create(cls, path: Path, *, group: str) -> bool:
        """Make a library file with its first group; False when it had been made before."""
        path.parent.mkdir(parents=True, exist_ok=True)
        existed = path.is_file()
        database = SqliteLibrary(path, create=True)
        try:
            directory = database.groups()
            if not directory.all():
                moment = now()
                directory.add(
                    Group(
                        new_id(),
                        group,
                        group.replace("-", " ").title(),
                        "organization",
                        None,
                        group,
                        "active",
                        moment,
                        moment,
                    )
                )
        finally:
            database.close()
        return not existed

    @classmethod
    def open(
        cls,
        config: Config,
        *,
        group: str | None = None,
        recursive: bool = False,
        offline: bool = False,
    ) -> Library:
        """Open the library that the settings name, for the group that they or a flag name.

        Raises NoLibrary when there is none, NotFound for an unknown group.
        """
        path = config.library_path()
        if not path.is_file():
            raise NoLibrary(f"there is no vidctl library at {path}")
        database = SqliteLibrary(path)
        try:
            scope = _scope(database, config, recursive=recursive)
        except BaseException:
            database.close()
            raise
        return cls(config, database, scope, root=scope.home if group else None, offline=offline)

    @property
    def snapshot(self) -> Path | None:
        """The copy made before the schema was upgraded just now, None when it was not."""
        return self.database.database.snapshot

    @property
    def groups(self) -> GroupDirectory:
        """The groups one can see: all, or with ``-g`` those from that group down."""
        return self.database.groups(self.root)

    def close(self) -> None:
        """Close the library."""
        self.database.close()

    @property
    def home(self) -> str:
        """The id of the group that new rows belong to."""
        return self.scope.home

    def writable(self, things: Iterable[Thing] = ()) -> None:
        """Raise Conflict when the home group, or the group of one of ``things``, is archived."""
        wanted = {self.home, *(thing.group_id for thing in things)}
        for group_id, path in self.archived_groups().items():
            if group_id in wanted:
                raise Conflict(
                    f"the group {path} is archived", hint=f"vidctl groups restore {path}"
                )

    def archived_groups(self) -> dict[str, str]:
        """Return the paths of archived groups by id; what is in them can only be read."""
        groups = self.database.groups().all()
        return {group.id: group.path for group in groups if group.status == "archived"}

    @cached_property
    def actor(self) -> Thing:
        """The person who acts: ``--as``, the setting ``person``, or the local owner."""
        from vidctl.catalog.people import acting_person

        return acting_person(store=self.store, reference=self.config.text("person"), now=now)

    def change_group(
        self,
        change: Callable[[], Group],
        type: str,
        *,
        before: Group | None = None,
        rehearse: bool = False,
    ) -> Group:
        """Run a change to a group and log it in that group, both or neither.

        Nothing is logged when the change returns the group as it was ``before``. A rehearsal does
        everything, checks included, and takes it back.
        """
        from vidctl.model.event import Event

        try:
            with self.database.database.transaction():
                group = change()
                if group is not before:
                    event = Event(
                        type, actor_id=self.actor.id, target_id=group.id, metadata={"type": "group"}
                    )
                    self.database.open(Scope.only(group.id)).events.append([event])
                if rehearse:
                    raise _TakenBack
        except _TakenBack:
            self.__dict__.pop("actor", None)  # it may have been made only for the rehearsal
        return group

    @cached_property
    def host(self) -> MediaHost:
        """The host that new media goes to."""
        host: MediaHost = registry.load(registry.HOSTS[self.config.text("media.host")])(
            self.config.media_folder()
        )
        return host

    def again(self) -> Library:
        """Open the same library once more, for another thread."""
        database = SqliteLibrary(self.config.library_path())
        return Library(self.config, database, self.scope, root=self.root, offline=self.is_offline)

    def resolve(self, reference: str, types: Sequence[str] = MEDIA_TYPES) -> Thing:
        """Return the item that a person means."""
        return self.store.things.resolve(reference, types)

    def select(
        self, references: Iterable[str], types: Sequence[str] = MEDIA_TYPES
    ) -> tuple[list[Thing], list[VidctlError]]:
        """Resolve references; those that fit nothing come back as errors. None given means all."""
        chosen: dict[str, Thing] = {}
        errors: list[VidctlError] = []
        named = list(references)
        for reference in named:
            try:
                thing = self.resolve(reference, types)
            except VidctlError as error:
                error.item = reference
                errors.append(error)
            else:
                chosen[thing.id] = thing
        if named:
            return list(chosen.values()), errors
        return list(self.every(types)), errors

    def every(self, types: Sequence[str] = MEDIA_TYPES) -> Iterable[Thing]:
        """Yield all things of the scope that are not archived, oldest first."""
        cursor: str | None = None
        while True:
            query = ThingQuery(tuple(types), descending=False, limit=BATCH, cursor=cursor)
            page = self.store.things.page(query)
            yield from page.items
            cursor = page.next
            if cursor is None:
                return

    # --- speech -----------------------------------------------------------------------------

    def source_of(self, thing: Thing) -> MediaRow:
        """Return the media row of a thing's own bytes. Raises NotFound when it has none."""
        rows = self.store.media.of(thing.id, "source")
        if not rows:
            raise NotFound(
                f"{thing.slug} has no media here, only a link",
                hint=f"vidctl transcribe {thing.slug} --captions FILE",
            )
        return rows[0]

    def transcription_of(
        self, thing: Thing, *, engine: str, captions: Path | None = None, download: bool = False
    ) -> tuple[Transcriber, Path, str]:
        """Choose the engine for a thing: (transcriber, file to read, what it depends on).

        ``auto`` takes captions, given or held with the thing, else the local model. Raises
        MissingExtra or EngineUnavailable when no engine can run.
        """
        if captions is not None:
            from vidctl.files import sha256_of

            return self._captions(captions), captions, sha256_of(captions, lambda *_: None)
        held = self.store.media.of(thing.id, "captions")
        if engine == "captions" or (engine == "auto" and held):
            if not held:
                raise NotFound(
                    f"{thing.slug} has no captions beside its media",
                    hint=f"vidctl transcribe {thing.slug} --captions FILE",
                )
            file = self.host.path(held[0].locator)
            return self._captions(file), file, held[0].sha256
        source = self.source_of(thing)
        content = f"{source.sha256}|{self.config.text('transcribe.language')}"
        return self._local(download), self.host.path(source.locator), content

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

    # --- embeddings ---------------------------------------------------------------------------

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


def _scope(database: SqliteLibrary, config: Config, *, recursive: bool) -> Scope:
    directory, origin = database.groups(), config.origin("group")
    reference = str(origin.value)
    try:
        group_id = directory.fast_resolve(reference) or directory.resolve(reference).id
    except NotFound as error:
        if origin.source == "flag":
            raise
        # Every command would fail like this, the one that lists the groups as well.
        first = directory.all()[0].path
        said = "" if origin.source == "default" else f", which {origin.source} names"
        raise NotFound(error.message + said, hint=f"vidctl config set group {first}") from None
    if not recursive:
        return Scope.only(group_id)
    return Scope(group_id, tuple(group.id for group in directory.subtree(group_id)))
