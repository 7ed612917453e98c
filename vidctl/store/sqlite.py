"""The SQLite store: one library file, opened for a scope."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from vidctl.errors import ScopeMissing, StorageFailed
from vidctl.model.scope import Scope
from vidctl.store.database import Database, open_database
from vidctl.store.groups import GroupDirectory

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from vidctl.store.analytics import SqliteAnalytics
    from vidctl.store.connections import SqliteConnections
    from vidctl.store.costs import Spending, SqliteCosts
    from vidctl.store.courses import SqliteCourses
    from vidctl.store.enrolments import SqliteEnrolments
    from vidctl.store.events import SqliteEvents
    from vidctl.store.jobs import SqliteJobs
    from vidctl.store.knowledge import SqliteKnowledge
    from vidctl.store.labels import SqliteLabels
    from vidctl.store.media import SqliteMedia
    from vidctl.store.people import SqlitePeople
    from vidctl.store.rankings import SqliteRankings
    from vidctl.store.segments import SqliteSegments
    from vidctl.store.sequences import SqliteSequences
    from vidctl.store.things import SqliteThings
    from vidctl.store.uploads import SqliteUploads
    from vidctl.store.watched import SqliteWatched


class SqliteStore:
    """Everything a library remembers, seen through one scope.

    The parts (``things``, ``events`` …) implement the ports of the same name and are imported
    when they are first used: a listing should not pay for what it does not touch. Raises
    ScopeMissing when made without a scope.
    """

    def __init__(self, database: Database, scope: Scope) -> None:
        if not isinstance(scope, Scope):
            raise ScopeMissing
        self.database = database
        self.scope = scope

    @cached_property
    def things(self) -> SqliteThings:
        """Things of the scope."""
        from vidctl.store.things import SqliteThings

        return SqliteThings(self.database, self.scope)

    @cached_property
    def people(self) -> SqlitePeople:
        """People of the scope and of the groups above it."""
        from vidctl.store.people import SqlitePeople

        return SqlitePeople(self.database, self.scope)

    @cached_property
    def connections(self) -> SqliteConnections:
        """Links of the scope."""
        from vidctl.store.connections import SqliteConnections

        return SqliteConnections(self.database, self.scope)

    @cached_property
    def sequences(self) -> SqliteSequences:
        """Ordered links of the scope: what is in playlists, courses and lessons."""
        from vidctl.store.sequences import SqliteSequences

        return SqliteSequences(self.database, self.scope)

    @cached_property
    def courses(self) -> SqliteCourses:
        """Courses of the scope and what they are made of."""
        from vidctl.store.courses import SqliteCourses

        return SqliteCourses(self.database, self.scope)

    @cached_property
    def enrolments(self) -> SqliteEnrolments:
        """Who takes the courses of the scope."""
        from vidctl.store.enrolments import SqliteEnrolments

        return SqliteEnrolments(self.database, self.scope)

    @cached_property
    def events(self) -> SqliteEvents:
        """Events of the scope."""
        from vidctl.store.events import SqliteEvents

        return SqliteEvents(self.database, self.scope)

    @cached_property
    def analytics(self) -> SqliteAnalytics:
        """Numbers about watching in the scope."""
        from vidctl.store.analytics import SqliteAnalytics

        return SqliteAnalytics(self.database, self.scope)

    @cached_property
    def rankings(self) -> SqliteRankings:
        """Rankings of the scope's items and searches."""
        from vidctl.store.rankings import SqliteRankings

        return SqliteRankings(self.database, self.scope)

    @cached_property
    def labels(self) -> SqliteLabels:
        """Labels of the scope."""
        from vidctl.store.labels import SqliteLabels

        return SqliteLabels(self.database, self.scope)

    @cached_property
    def watched(self) -> SqliteWatched:
        """What people have seen of the scope's items."""
        from vidctl.store.watched import SqliteWatched

        return SqliteWatched(self.database, self.scope)

    @cached_property
    def segments(self) -> SqliteSegments:
        """Transcripts of the scope."""
        from vidctl.store.segments import SqliteSegments

        return SqliteSegments(self.database, self.scope)

    @cached_property
    def knowledge(self) -> SqliteKnowledge:
        """Chunks and vectors of the scope."""
        from vidctl.store.knowledge import SqliteKnowledge

        return SqliteKnowledge(self.database, self.scope)

    @cached_property
    def media(self) -> SqliteMedia:
        """Media rows of the scope."""
        from vidctl.store.media import SqliteMedia

        return SqliteMedia(self.database, self.scope)

    @cached_property
    def uploads(self) -> SqliteUploads:
        """Transfers of the scope that are under way."""
        from vidctl.store.uploads import SqliteUploads

        return SqliteUploads(self.database, self.scope)

    @cached_property
    def costs(self) -> SqliteCosts:
        """The ledger of paid calls of the scope."""
        from vidctl.store.costs import SqliteCosts

        return SqliteCosts(self.database, self.scope)

    @cached_property
    def jobs(self) -> SqliteJobs:
        """Stage state of the scope."""
        from vidctl.store.jobs import SqliteJobs

        return SqliteJobs(self.database, self.scope)

    def transaction(self) -> AbstractContextManager[None]:
        """Open a write transaction at once, or join the open one."""
        return self.database.transaction()

    def close(self) -> None:
        """Close the library; other handles on the same database close with it."""
        self.database.close()


class SqliteLibrary:
    """A library file: the directory of its groups, and stores opened for a scope."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.database = open_database(path, create=create)

    def groups(
        self, root: str | None = None, *, only: frozenset[str] | None = None
    ) -> GroupDirectory:
        """Return the directory of all groups, or of those from ``root`` down and in ``only``."""
        return GroupDirectory(self.database, root, only=only)

    def open(self, scope: Scope) -> SqliteStore:
        """Return a store for a scope."""
        return SqliteStore(self.database, scope)

    def spending(self) -> Spending:
        """Return what the library spends as a whole, and the caps on that."""
        from vidctl.store.costs import Spending

        return Spending(self.database)

    def backup(self, target: Path) -> None:
        """Copy the library to a new file through SQLite's backup API, while others write.

        The copy appears under its name only when it is whole. Raises StorageFailed on any error.
        """
        partial = target.with_name(target.name + ".partial")
        partial.unlink(missing_ok=True)
        driver = self.database.driver
        copy = None
        try:
            copy = driver.module.connect(str(partial), isolation_level=None)
            self.database.connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            problem = copy.execute("PRAGMA quick_check").fetchone()[0]
        except driver.module.Error as error:
            partial.unlink(missing_ok=True)
            raise StorageFailed(f"{target} could not be written: {error}") from error
        finally:
            if copy is not None:
                copy.close()
        if problem != "ok":
            partial.unlink(missing_ok=True)
            raise StorageFailed(f"the copy is damaged: {problem}", hint="vidctl doctor")
        partial.replace(target)

    def close(self) -> None:
        """Close the library and every store opened from it."""
        self.database.close()
