"""A library in use: the only place where settings meet implementations."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from vidctl.catalog.policy import Access
from vidctl.config import Config
from vidctl.errors import Ambiguous, Conflict, NoLibrary, NotFound, VidctlError
from vidctl.ids import new_id
from vidctl.library.engines import Engines
from vidctl.library.permission import Permissions
from vidctl.model.group import Group
from vidctl.model.scope import Scope
from vidctl.model.thing import MEDIA_TYPES, Thing, ThingQuery
from vidctl.store.sqlite import SqliteLibrary

if TYPE_CHECKING:
    from vidctl.library.analytics import Analytics
    from vidctl.library.costs import Costs
    from vidctl.library.courses import Courses
    from vidctl.library.events import Events
    from vidctl.library.items import Items
    from vidctl.library.labels import Labels
    from vidctl.library.lessons import Lessons
    from vidctl.library.media import Media
    from vidctl.library.people import People
    from vidctl.library.playlists import Playlists
    from vidctl.library.progress import Progress
    from vidctl.library.uploads import Uploads
    from vidctl.outcome import Outcome
    from vidctl.store.groups import GroupDirectory

BATCH = 500
OWNER = Access()


def now() -> int:
    """Return the present as epoch milliseconds."""
    return time.time_ns() // 1_000_000


class _TakenBack(Exception):
    """Ends a rehearsal's transaction."""


class Library(Permissions, Engines):
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
        access: Access = OWNER,
    ) -> None:
        self.config = config
        self.database = database
        self.scope = scope
        self.root = root
        self.is_offline = offline
        self.store = database.open(scope)
        self.access = access

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
            scope, access = _seen_by(database, scope, config.text("person"))
        except BaseException:
            database.close()
            raise
        root = scope.home if group else None
        return cls(config, database, scope, root=root, offline=offline, access=access)

    @property
    def snapshot(self) -> Path | None:
        """The copy made before the schema was upgraded just now, None when it was not."""
        return self.database.database.snapshot

    @property
    def groups(self) -> GroupDirectory:
        """The groups one can see: all, or with ``-g`` those from that group down."""
        if self.access.owns_library:
            return self.database.groups(self.root)
        # The group that one works in is no secret; whoever may view it may view what is below.
        mine = {self.home}
        for group_id in self.access.standings:
            if self.access.grants("view groups", group_id):
                mine |= {group.id for group in self.database.groups().subtree(group_id)}
        return self.database.groups(self.root, only=frozenset(mine))

    @cached_property
    def videos(self) -> Items:
        """Videos: add, edit, list, show, publish, archive, restore, remove."""
        from vidctl.library.items import Items

        return Items(self, "video")

    @cached_property
    def podcasts(self) -> Items:
        """Podcast episodes: the same as videos."""
        from vidctl.library.items import Items

        return Items(self, "podcast")

    @cached_property
    def analytics(self) -> Analytics:
        """What was watched and searched for: summary, popular, retention, creator, course."""
        from vidctl.library.analytics import Analytics

        return Analytics(self)

    @cached_property
    def people(self) -> People:
        """People: add, list, show, edit, archive, roles, grants, members, who acts."""
        from vidctl.library.people import People

        return People(self)

    @cached_property
    def courses(self) -> Courses:
        """Courses: add, edit, list, outline, publish, enrol people, and see how far they are."""
        from vidctl.library.courses import Courses

        return Courses(self)

    @cached_property
    def lessons(self) -> Lessons:
        """Lessons: add to a course, move, edit, publish, archive, remove."""
        from vidctl.library.lessons import Lessons

        return Lessons(self)

    @cached_property
    def playlists(self) -> Playlists:
        """Playlists: add, edit, list, show, order, archive, restore, remove."""
        from vidctl.library.playlists import Playlists

        return Playlists(self)

    @cached_property
    def events(self) -> Events:
        """Events: page, show, follow, export, record."""
        from vidctl.library.events import Events

        return Events(self)

    @cached_property
    def labels(self) -> Labels:
        """Labels: add, remove, list, rename, merge."""
        from vidctl.library.labels import Labels

        return Labels(self)

    @cached_property
    def media(self) -> Media:
        """Media: list, probe, thumbnails, sheets, storyboards, sound, waveforms, moving hosts."""
        from vidctl.library.media import Media

        return Media(lambda: self)

    @cached_property
    def progress(self) -> Progress:
        """What people have seen of what: set, watch, done, page, load, export."""
        from vidctl.library.progress import Progress

        return Progress(self)

    @cached_property
    def costs(self) -> Costs:
        """What paid services cost: spend, show, estimate, cap."""
        from vidctl.library.costs import Costs

        return Costs(self)

    @cached_property
    def uploads(self) -> Uploads:
        """Uploads that broke off: list, resume, abort, orphans."""
        from vidctl.library.uploads import Uploads

        return Uploads(self)

    @cached_property
    def run_id(self) -> str:
        """The id of this run, by which what it spends is added up."""
        return new_id()

    def key_notes(self) -> list[str]:
        """Return what the person should know of the files that keys came from."""
        return list(self.hosts.keys.notes) if "hosts" in self.__dict__ else []

    def close(self) -> None:
        """Close the library."""
        if "hosts" in self.__dict__:
            self.hosts.close()
        self.database.close()

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

    def attempt(self, act: Callable[[], Outcome], *, rehearse: bool) -> Outcome:
        """Do something; a rehearsal does it too, checks included, and takes all of it back."""
        if not rehearse:
            return act()
        outcome: Outcome | None = None
        try:
            with self.store.transaction():
                outcome = act()
                raise _TakenBack
        except _TakenBack:
            self.__dict__.pop("actor", None)  # it may have been made only for the rehearsal
        assert outcome is not None
        outcome.notes.append("nothing was changed")
        return outcome

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

    def again(self) -> Library:
        """Open the same library once more, for another thread."""
        database = SqliteLibrary(self.config.library_path())
        return self._with(self.scope, database)

    def within(self, scope: Scope) -> Library:
        """Return a handle on the same open library for another scope, for the same person."""
        return self._with(scope, self.database)

    def _with(self, scope: Scope, database: SqliteLibrary) -> Library:
        other = Library(
            self.config,
            database,
            scope,
            root=self.root,
            offline=self.is_offline,
            access=self.access,
        )
        other.run_id = self.run_id
        return other

    def resolve(self, reference: str, types: Sequence[str] = MEDIA_TYPES) -> Thing:
        """Return the item that a person means."""
        return self.store.things.resolve(reference, types)

    def select(
        self, references: Iterable[str], types: Sequence[str] = MEDIA_TYPES, *, action: str = ""
    ) -> tuple[list[Thing], list[VidctlError]]:
        """Resolve references; those that fit nothing come back as errors. None given means all.

        With an ``action``, things that the person may not do it to are errors when they were
        named, and left out when they were not.
        """
        chosen: dict[str, Thing] = {}
        errors: list[VidctlError] = []
        named = list(references)
        for reference in named:
            try:
                thing = self.resolve(reference, types)
                if action:
                    self.allow(action, thing)
            except VidctlError as error:
                error.item = reference
                errors.append(error)
            else:
                chosen[thing.id] = thing
        if named:
            return list(chosen.values()), errors
        return [
            thing for thing in self.every(types) if not action or self.may(action, thing)
        ], errors

    def every(
        self, types: Sequence[str] = MEDIA_TYPES, *, status: str | None = None
    ) -> Iterable[Thing]:
        """Yield all things of the scope, oldest first; archived ones only for that ``status``."""
        cursor: str | None = None
        while True:
            query = ThingQuery(
                tuple(types), status=status, descending=False, limit=BATCH, cursor=cursor
            )
            page = self.store.things.page(query)
            yield from page.items
            cursor = page.next
            if cursor is None:
                return


def _scope(database: SqliteLibrary, config: Config, *, recursive: bool) -> Scope:
    directory, origin = database.groups(), config.origin("group")
    reference = str(origin.value)
    try:
        group_id = directory.fast_resolve(reference) or directory.resolve(reference).id
    except Ambiguous as error:
        if not config.text("person"):
            raise
        # Which groups there are is not for everybody to know.
        raise Ambiguous(f"{reference!r} fits several groups", hint="use the path") from error
    except NotFound as error:
        if origin.source == "flag" or config.text("person"):
            raise
        # Every command would fail like this, the one that lists the groups as well.
        first = directory.all()[0].path
        said = "" if origin.source == "default" else f", which {origin.source} names"
        raise NotFound(error.message + said, hint=f"vidctl config set group {first}") from None
    below = directory.subtree(group_id) if recursive else ()
    within = tuple(group.id for group in below) or (group_id,)
    return Scope(group_id, within, above=directory.ancestors(group_id))


def _seen_by(database: SqliteLibrary, scope: Scope, reference: str) -> tuple[Scope, Access]:
    """Return the scope as a person sees it, and what they may do; nobody named is the owner."""
    if not reference:
        return scope, OWNER
    from vidctl.catalog.people import access_of

    access = access_of(database.open(scope), reference)
    seen = tuple(group for group in access.sees_all_in if group in scope.group_ids)
    if len(seen) < len(scope.group_ids):
        scope = replace(scope, viewer=access.person_id, seen=seen)
    return scope, access
