"""The store contract: nothing outside the scope is seen or touched, and rows keep their rules."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from stores import (
    ALL,
    DIMENSION,
    IDENTITY,
    World,
    add_thing,
    charge,
    chunk,
    content,
    link,
    media_row,
    unit,
    window,
)

from vidctl.errors import (
    Ambiguous,
    Conflict,
    NotFound,
    ScopeMissing,
    StorageFailed,
    VidctlError,
)
from vidctl.ids import new_id
from vidctl.model.analytics import EVER
from vidctl.model.condition import Condition
from vidctl.model.connection import Connection
from vidctl.model.event import Event, EventQuery
from vidctl.model.place import Place
from vidctl.model.segment import Segment
from vidctl.model.thing import Thing, ThingQuery
from vidctl.model.upload import SentPart
from vidctl.model.watching import Viewing, Watch, WatchQuery
from vidctl.ports import Store
from vidctl.store.sqlite import SqliteStore

PARTS = sorted(
    name for name, value in vars(Store).items() if isinstance(value, property) and name != "scope"
)


# --- the scope is required ----------------------------------------------------------------------


@pytest.mark.parametrize("scope", [None, "", "acme", (), [], {}, 0])
def test_a_store_needs_a_scope(world: World, scope: Any) -> None:
    with pytest.raises(ScopeMissing):
        world.library.open(scope)
    with pytest.raises(ScopeMissing):
        SqliteStore(world.library.database, scope)


def methods(part: str) -> dict[str, inspect.Signature]:
    """Return the public methods of a part of the store, those of the scope machinery aside."""
    from vidctl.store.sqlite import SqliteStore

    hints = inspect.get_annotations(SqliteStore.__init__)
    assert "scope" in hints
    module = __import__(f"vidctl.store.{part}", fromlist=["*"])
    kind = getattr(module, f"Sqlite{part.title()}")
    return {
        name: inspect.signature(value)
        for name, value in vars(kind).items()
        if not name.startswith("_") and callable(value)
    }


@pytest.mark.parametrize("part", PARTS)
def test_no_method_takes_a_group(part: str) -> None:
    for name, signature in methods(part).items():
        assert not [p for p in signature.parameters if "group" in p or "scope" in p], name


# --- a foreign id is a missing id ---------------------------------------------------------------


@dataclass(frozen=True)
class Bundle:
    """Names of one thing and of a row of every kind that hangs on it."""

    thing: str
    other: str
    person: str
    person_slug: str
    mail: str
    course: str
    lesson: str
    slug: str
    youtube: str
    connection: str
    chunk: str
    media: str
    locator: str
    sha256: str
    job: str
    upload: str
    charge: str
    group: str
    event: str
    word: str
    vector: bytes

    @classmethod
    def ghost(cls) -> Bundle:
        """Names that fit nothing anywhere."""
        return cls(
            thing=new_id(),
            other=new_id(),
            person=new_id(),
            person_slug="ghost-person",
            mail="ghost@example.org",
            course=new_id(),
            lesson=new_id(),
            slug="ghost",
            youtube="wwwwwwwwwww",
            connection=new_id(),
            chunk=new_id(),
            media=new_id(),
            locator=new_id(),
            sha256="0" * 64,
            job=new_id(),
            upload=new_id(),
            charge=new_id(),
            group=new_id(),
            event=new_id(),
            word="wraith",
            vector=unit([0, 0, 0, 1]),
        )

    @classmethod
    def of(cls, store: SqliteStore) -> Bundle:
        """Put one of everything into a store."""
        thing = add_thing(store, "Foreign secret", youtubeId="dQw4w9WgXcQ", tags=["secret"])
        other = add_thing(store, "Other")
        mail = "Stranger@example.org"
        person = add_thing(store, "Stranger", type="user", email=mail)
        store.connections.add(
            Connection(
                new_id(),
                store.scope.home,
                person.id,
                store.scope.home,
                "member_of",
                metadata={"role": "org_owner"},
            )
        )
        tie = link(store, thing, other)
        store.connections.add(tie)
        store.sequences.insert(thing.id, [other.id])
        course = add_thing(store, "Course", type="course")
        lesson = add_thing(store, "Lesson", type="lesson", status="published")
        store.sequences.insert(course.id, [lesson.id])
        store.enrolments.add(course.id, [person.id], 1)
        store.connections.add(link(store, person, lesson, "watched"))
        event = new_id()
        store.events.append([Event("content_event", "video_viewed", target_id=thing.id, id=event)])
        store.labels.add("secret", [thing.id])
        store.watched.save({(person.id, thing.id): Watch(views=1, last_at=1).metadata()})
        store.segments.replace(thing.id, [Segment(0, 1, "xylophone")], source="test")
        piece = chunk(thing, 0, "xylophone")
        store.knowledge.replace(thing.id, [piece])
        vector = unit([1, 0, 0, 0])
        store.knowledge.add_vectors(IDENTITY, DIMENSION, [window(piece, vector)])
        row = media_row(store, thing)
        store.media.add(row)
        job = store.jobs.claim(thing.id, "transcribe", "key")
        store.jobs.save_part(job, 0, ["xylophone"])
        group = store.scope.home
        upload = store.uploads.claim("s3", "x", content(group), source="xylophone", part_size=4)
        store.uploads.begin(upload.id, "remote", 4)
        store.uploads.save_part(upload.id, SentPart(0, 0, 4))
        paid = store.costs.reserve(charge(group, thing_id=thing.id))
        return cls(
            thing=thing.id,
            other=other.id,
            person=person.id,
            person_slug=person.slug,
            mail=mail,
            course=course.id,
            lesson=lesson.id,
            slug=thing.slug,
            youtube="dQw4w9WgXcQ",
            connection=tie.id,
            chunk=piece.id,
            media=row.id,
            locator=row.locator,
            sha256=row.sha256,
            job=job,
            upload=upload.id,
            charge=paid.id,
            group=group,
            event=event,
            word="xylophone",
            vector=vector,
        )

    def row(self, store: SqliteStore) -> Thing:
        """Make a record with this thing's id, as if it were of the store's group."""
        return Thing(self.thing, store.scope.home, "video", self.slug, "Mine", "draft", 1, 1)


def piece_of(bundle: Bundle, store: SqliteStore) -> Any:
    return replace(chunk(bundle.row(store), 0, "mine"), id=bundle.chunk)


Use = Callable[[SqliteStore, Bundle], Any]
# Every method of every part, given names from outside the scope. A new method must be added here.
USES: dict[str, Use] = {
    "things.add": lambda s, b: s.things.add(b.row(s)),
    "things.save": lambda s, b: s.things.save(b.row(s)),
    "things.get": lambda s, b: s.things.get(b.thing),
    "things.known": lambda s, b: s.things.known([b.thing]),
    "things.page where": lambda s, b: s.things.page(
        ThingQuery((), labels=("secret",), where=(Condition("author", "=", b.person),))
    ),
    "things.find": lambda s, b: s.things.find(b.thing),
    "things.resolve": lambda s, b: s.things.resolve(b.thing),
    "things.resolve slug": lambda s, b: s.things.resolve(b.slug),
    "things.resolve source": lambda s, b: s.things.resolve(f"yt:{b.youtube}"),
    "things.resolve prefix": lambda s, b: s.things.resolve(b.thing[:20], ("video",)),
    "things.page": lambda s, b: s.things.page(ThingQuery(("video",), author=b.thing)),
    "things.page text": lambda s, b: s.things.page(ThingQuery((), text="secret", status="all")),
    "things.free_slug": lambda s, b: s.things.free_slug(b.slug) == b.slug,
    "things.purge": lambda s, b: s.things.purge(b.thing),
    "connections.add": lambda s, b: s.connections.add(
        Connection(new_id(), s.scope.home, b.thing, b.thing, "related_to")
    ),
    "connections.add taken id": lambda s, b: s.connections.add(
        Connection(b.connection, s.scope.home, b.thing, b.thing, "related_to")
    ),
    "connections.find": lambda s, b: s.connections.find(b.thing, "related_to", b.other),
    "connections.outgoing": lambda s, b: s.connections.outgoing(b.thing, "related_to"),
    "connections.incoming": lambda s, b: s.connections.incoming(b.thing, "related_to"),
    "connections.remove": lambda s, b: s.connections.remove(b.connection),
    "sequences.insert": lambda s, b: s.sequences.insert(b.thing, [b.other]),
    "sequences.insert member": lambda s, b: s.sequences.insert(add_thing(s).id, [b.thing]),
    "sequences.move": lambda s, b: s.sequences.move(b.thing, b.other, Place(at=1)),
    "sequences.remove": lambda s, b: s.sequences.remove(b.thing, b.other),
    "sequences.arrange": lambda s, b: s.sequences.arrange(b.thing, [b.other]),
    "sequences.links": lambda s, b: s.sequences.links(b.thing),
    "sequences.page": lambda s, b: s.sequences.page(b.thing, limit=5),
    "sequences.count": lambda s, b: s.sequences.count(b.thing),
    "sequences.ordinal": lambda s, b: s.sequences.ordinal(b.thing, b.other),
    "sequences.duration": lambda s, b: s.sequences.duration(b.thing),
    "sequences.types": lambda s, b: s.sequences.types(b.thing),
    "sequences.ranked": lambda s, b: s.sequences.ranked(b.thing, "title"),
    "sequences.owners": lambda s, b: s.sequences.owners(b.other, "video"),
    "sequences.annotate": lambda s, b: s.sequences.annotate(b.thing, b.other, {"a": 1}),
    "courses.outline": lambda s, b: s.courses.outline(b.course),
    "courses.totals": lambda s, b: s.courses.totals([b.course]),
    "courses.steps": lambda s, b: s.courses.steps([b.course]),
    "courses.containing": lambda s, b: s.courses.containing([b.lesson]),
    "enrolments.add": lambda s, b: s.enrolments.add(b.course, [b.person], 1),
    "enrolments.add person": lambda s, b: s.enrolments.add(new_id(), [b.person], 1),
    "enrolments.remove": lambda s, b: s.enrolments.remove(b.course, [b.person]),
    "enrolments.of": lambda s, b: s.enrolments.of(b.course),
    "enrolments.of person": lambda s, b: s.enrolments.of(b.course, [b.person]),
    "enrolments.save": lambda s, b: s.enrolments.save(
        [Connection(b.connection, s.scope.home, b.person, b.course, "enrolled_in")]
    ),
    "enrolments.counts": lambda s, b: s.enrolments.counts([b.course]),
    "enrolments.watched": lambda s, b: s.enrolments.watched([b.lesson], [b.person]),
    "enrolments.mailed": lambda s, b: s.enrolments.mailed([b.mail]),
    "people.resolve": lambda s, b: s.people.resolve(b.person),
    "people.resolve slug": lambda s, b: s.people.resolve(b.person_slug),
    "people.known": lambda s, b: s.people.known([b.person]),
    "people.roles": lambda s, b: s.people.roles(b.person),
    "people.parents": lambda s, b: s.people.parents(),
    "people.members": lambda s, b: s.people.members(),
    "people.counts": lambda s, b: s.people.counts(b.person),
    "people.purge": lambda s, b: s.people.purge(b.person),
    "events.append": lambda s, b: s.events.append([Event("x", target_id=b.thing)]),
    "events.log": lambda s, b: s.events.log([Viewing(1, new_id(), "x", item_id=b.thing)]),
    "events.known": lambda s, b: s.events.known([b.event]),
    "events.of": lambda s, b: s.events.of(b.thing),
    "events.count": lambda s, b: s.events.count(b.thing, "video_viewed"),
    "events.page": lambda s, b: s.events.page(EventQuery(target=b.thing)),
    "events.page actor": lambda s, b: s.events.page(EventQuery(actor=b.person)),
    "events.each": lambda s, b: list(s.events.each(EventQuery(target=b.thing))),
    "events.after": lambda s, b: s.events.after(None, EventQuery(target=b.thing))[0],
    "events.find": lambda s, b: s.events.find(b.event),
    "watched.load": lambda s, b: s.watched.load([(b.person, b.thing)]),
    "watched.save": lambda s, b: s.watched.save({(b.person, b.thing): Watch(views=9).metadata()}),
    "watched.events": lambda s, b: list(s.watched.events([(b.person, b.thing)]).values()),
    "watched.every": lambda s, b: list(s.watched.every([b.person], [b.thing])),
    "watched.every all": lambda s, b: list(s.watched.every(by_pair=True)),
    "watched.page": lambda s, b: s.watched.page(WatchQuery((b.person,), (b.thing,))),
    "watched.page all": lambda s, b: s.watched.page(WatchQuery()),
    "labels.add": lambda s, b: s.labels.add("secret", [b.thing]),
    "labels.remove": lambda s, b: s.labels.remove("secret", [b.thing]),
    "labels.of": lambda s, b: s.labels.of([b.thing]),
    "labels.all": lambda s, b: s.labels.all(),
    "labels.carriers": lambda s, b: s.labels.carriers("secret"),
    "labels.respell": lambda s, b: s.labels.respell("SECRET"),
    "analytics.span": lambda s, b: s.analytics.span(),
    "analytics.days": lambda s, b: s.analytics.days(EVER),
    "analytics.devices": lambda s, b: s.analytics.devices(EVER),
    "analytics.starts": lambda s, b: s.analytics.starts(),
    "analytics.viewers": lambda s, b: s.analytics.viewers(),
    "analytics.viewers days": lambda s, b: s.analytics.viewers(EVER),
    "analytics.viewers device": lambda s, b: s.analytics.viewers(None, "unknown"),
    "analytics.happened": lambda s, b: s.analytics.happened("video_viewed", "video"),
    "analytics.items": lambda s, b: s.analytics.items([b.thing]),
    "analytics.items days": lambda s, b: s.analytics.items([b.thing], EVER),
    "analytics.items device": lambda s, b: s.analytics.items([b.thing], EVER, "unknown"),
    "analytics.reach": lambda s, b: s.analytics.reach([b.thing]),
    "analytics.audience": lambda s, b: s.analytics.audience([b.thing]),
    "analytics.visitors": lambda s, b: s.analytics.visitors([b.thing], EVER),
    "analytics.daily": lambda s, b: s.analytics.daily([b.thing], EVER),
    "analytics.daily device": lambda s, b: s.analytics.daily([b.thing], EVER, "unknown"),
    "analytics.moments": lambda s, b: s.analytics.moments([b.thing]),
    "analytics.ranges": lambda s, b: list(s.analytics.ranges([b.thing])),
    "analytics.counted": lambda s, b: s.analytics.counted(b.thing, "video_viewed", EVER),
    "analytics.active": lambda s, b: s.analytics.active(b.other, [b.thing], EVER),
    "rankings.top": lambda s, b: s.rankings.top(5),
    "rankings.top days": lambda s, b: s.rankings.top(5, EVER),
    "rankings.ranking": lambda s, b: s.rankings.ranking("views", 5),
    "rankings.ranking days": lambda s, b: s.rankings.ranking("watch-time", 5, EVER),
    "rankings.ranking device": lambda s, b: s.rankings.ranking("viewers", 5, EVER, "unknown"),
    "rankings.cells": lambda s, b: list(s.rankings.cells("day")),
    "rankings.searches": lambda s, b: s.rankings.searches(5),
    "segments.replace": lambda s, b: s.segments.replace(b.thing, [], source="x"),
    "segments.of": lambda s, b: s.segments.of(b.thing),
    "segments.between": lambda s, b: s.segments.between([(b.thing, 0, 9)]),
    "segments.source": lambda s, b: s.segments.source(b.thing),
    "segments.transcripts": lambda s, b: s.segments.transcripts([b.thing]),
    "knowledge.replace": lambda s, b: s.knowledge.replace(b.thing, [piece_of(b, s)]),
    "knowledge.chunks": lambda s, b: s.knowledge.chunks(b.thing),
    "knowledge.get": lambda s, b: s.knowledge.get([b.chunk]),
    "knowledge.unembedded": lambda s, b: s.knowledge.unembedded(b.thing, "other/model@4"),
    "knowledge.add_vectors": lambda s, b: s.knowledge.add_vectors(
        "other/model@4", DIMENSION, [window(piece_of(b, s), unit([1, 1, 0, 0]))]
    ),
    "knowledge.match_text": lambda s, b: s.knowledge.match_text(f'"{b.word}"', ALL, 10),
    "knowledge.match_vector": lambda s, b: s.knowledge.match_vector(IDENTITY, b.vector, ALL, 10),
    "knowledge.vector_counts": lambda s, b: s.knowledge.vector_counts(),
    "media.add": lambda s, b: s.media.add(media_row(s, b.row(s), "mine")),
    "media.of": lambda s, b: s.media.of(b.thing),
    "media.by_hash": lambda s, b: s.media.by_hash(b.sha256),
    "media.all": lambda s, b: list(s.media.all()),
    "media.by_file": lambda s, b: s.media.by_file("talk.mp4"),
    "media.by_file path": lambda s, b: s.media.by_file("talk.mp4", "/in/talk.mp4"),
    "media.annotate": lambda s, b: s.media.annotate(b.media, {"path": "mine"}),
    "media.owners": lambda s, b: s.media.owners([b.locator]),
    "media.is_needed": lambda s, b: s.media.is_needed("folder", b.locator),
    "media.recast": lambda s, b: s.media.recast(b.media, "version"),
    "media.remove": lambda s, b: s.media.remove(b.media),
    "jobs.claim": lambda s, b: s.jobs.claim(b.thing, "transcribe", "key"),
    "jobs.extend": lambda s, b: s.jobs.extend(b.job),
    "jobs.parts": lambda s, b: s.jobs.parts(b.job),
    "jobs.save_part": lambda s, b: s.jobs.save_part(b.job, 0, ["mine"]),
    "jobs.finish": lambda s, b: s.jobs.finish(b.job),
    "jobs.finish failed": lambda s, b: s.jobs.finish(b.job, error="mine"),
    "jobs.states": lambda s, b: s.jobs.states([b.thing]),
    "jobs.states all": lambda s, b: s.jobs.states(),
    "uploads.claim": lambda s, b: s.uploads.claim(
        "s3", "x", content(b.group), source="mine", part_size=4
    ),
    "uploads.hold": lambda s, b: s.uploads.hold(
        "s3", "x", content(b.group), source="mine", purpose="item"
    ),
    "uploads.clear": lambda s, b: s.uploads.clear("s3", "x", content(b.group)),
    "uploads.settle": lambda s, b: s.uploads.settle([b.upload]),
    "uploads.begin": lambda s, b: s.uploads.begin(b.upload, "mine", 8),
    "uploads.save_part": lambda s, b: s.uploads.save_part(b.upload, SentPart(1, 4, 1)),
    "uploads.extend": lambda s, b: s.uploads.extend(b.upload),
    "uploads.finish": lambda s, b: s.uploads.finish(b.upload),
    "uploads.finish failed": lambda s, b: s.uploads.finish(b.upload, error="mine"),
    "uploads.drop": lambda s, b: s.uploads.drop(b.upload),
    "uploads.find": lambda s, b: s.uploads.find(b.upload),
    "uploads.all": lambda s, b: s.uploads.all(),
    "costs.reserve": lambda s, b: s.costs.reserve(charge(b.group)),
    "costs.reserve again": lambda s, b: s.costs.reserve(charge(b.group), mode="resume"),
    "costs.settle": lambda s, b: s.costs.settle(b.charge, {}, 0),
    "costs.release": lambda s, b: s.costs.release(b.charge),
    "costs.abandon": lambda s, b: s.costs.abandon(b.charge),
    "costs.find": lambda s, b: s.costs.find("work"),
    "costs.page": lambda s, b: s.costs.page(),
    "costs.totals": lambda s, b: s.costs.totals(),
}


def outcome_of(use: Use, store: SqliteStore, bundle: Bundle) -> tuple[str, str]:
    """Return what a use came to, with the bundle's own names struck out."""
    try:
        result = use(store, bundle)
    except VidctlError as error:
        kind, text = type(error).__name__, f"{error.message} | {error.hint}"
    else:
        kind, text = "returned", repr(result)
    for name in (
        bundle.person,
        bundle.person_slug,
        bundle.thing,
        bundle.thing[:20],
        bundle.job,
        bundle.upload,
        bundle.charge,
        bundle.event,
        bundle.slug,
        bundle.youtube,
    ):
        text = text.replace(name, "NAME")
    return kind, text


def test_every_method_is_tried_from_outside() -> None:
    known = {f"{part}.{name}" for part in PARTS for name in methods(part)}
    assert {use.split()[0] for use in USES} == known


class Undo(Exception):
    """Takes back what a use did."""


def tried(world: World, store: SqliteStore, name: str, bundle: Bundle) -> Any:
    """Return a use's outcome and how many rows it made, and take it back."""
    made: list[Any] = []

    def act() -> None:
        with store.transaction():
            others = world.dump("rival", "third")
            made.append(outcome_of(USES[name], store, bundle))
            made.append({t: len(rows) for t, rows in world.dump("acme", "acme/courses").items()})
            assert world.dump("rival", "third") == others, name
            raise Undo

    with pytest.raises(Undo):
        act()
    return name, *made


@pytest.mark.parametrize("scope", ["acme", "wide", "courses"])
def test_a_foreign_id_is_a_missing_id(world: World, scope: str) -> None:
    """The same answer, the same rows left behind, and nothing changed where the id belongs."""
    victim, ghost = Bundle.of(world.rival), Bundle.ghost()
    store: SqliteStore = getattr(world, scope)
    for name in USES:
        assert tried(world, store, name, victim) == tried(world, store, name, ghost)


def test_a_wide_scope_sees_below_and_writes_at_home(world: World) -> None:
    below = Bundle.of(world.courses)
    assert world.wide.things.get(below.thing).group_id == world.groups["acme/courses"].id
    assert world.wide.things.resolve(below.slug).id == below.thing
    assert [m.thing_id for m in world.wide.knowledge.match_text('"xylophone"', ALL, 5)] == [
        below.thing
    ]
    assert world.acme.things.find(below.thing) is None, "a parent alone does not see below"
    above = Bundle.of(world.acme)
    assert world.courses.things.find(above.thing) is None, "never upwards"
    assert add_thing(world.wide, "New").group_id == world.groups["acme"].id


# --- things -------------------------------------------------------------------------------------


def test_a_thing_is_read_back_as_it_was_written(world: World) -> None:
    written = add_thing(world.acme, "中文 [/b] \x1b", tags=["a"], extra={"x": [1, None, 2.5]})
    assert world.acme.things.get(written.id) == written


def test_saving_changes_what_may_change(world: World) -> None:
    thing = add_thing(world.acme)
    changed = replace(
        thing, slug="new", name="New", status="published", properties={"a": 1}, updated_at=99
    )
    world.acme.things.save(replace(changed, type="podcast", created_at=1))
    assert world.acme.things.get(thing.id) == changed


def test_slugs_are_unique_in_a_group_and_free_in_another(world: World) -> None:
    add_thing(world.acme, slug="talk")
    with pytest.raises(Conflict):
        add_thing(world.acme, slug="talk")
    assert add_thing(world.rival, slug="talk").slug == "talk"


def test_a_free_slug_is_numbered(world: World) -> None:
    made = [add_thing(world.acme, "My Talk!").slug for _ in range(3)]
    assert made == ["my-talk", "my-talk-2", "my-talk-3"]
    assert world.rival.things.free_slug("My Talk!") == "my-talk"
    add_thing(world.acme, slug="gap-3")
    add_thing(world.acme, slug="gap")
    assert world.acme.things.free_slug("gap") == "gap-2"


def test_a_slug_of_a_purged_thing_is_free_again(world: World) -> None:
    thing = add_thing(world.acme, slug="talk")
    world.acme.things.purge(thing.id)
    assert world.acme.things.free_slug("talk") == "talk"
    with pytest.raises(NotFound):
        world.acme.things.get(thing.id)


def test_what_people_type_finds_the_thing(world: World) -> None:
    thing = add_thing(world.acme, "Talk", id="0" * 25 + "1", youtubeId="dQw4w9WgXcQ")
    other = add_thing(world.acme, "Talk", id="1" * 26, type="podcast")
    for reference in (thing.id, "talk", "yt:dQw4w9WgXcQ", "0000", "00000000000"):
        assert world.acme.things.resolve(reference) == thing, reference
    assert world.acme.things.resolve("1111") == other
    assert world.acme.things.resolve("talk-2", ("podcast",)) == other


@pytest.mark.parametrize(
    "reference",
    ["", "nope", "111", "yt:", "yt:nope", "1111 ", "%", "_", "*", "1" * 26 + "1", "\x00"],
)
def test_what_fits_nothing_is_not_found(world: World, reference: str) -> None:
    add_thing(world.acme, "Talk", id="1" * 26)
    with pytest.raises(NotFound):
        world.acme.things.resolve(reference)


def test_a_reference_of_another_type_is_not_found(world: World) -> None:
    add_thing(world.acme, slug="talk")
    with pytest.raises(NotFound, match="no podcast here is called 'talk'") as caught:
        world.acme.things.resolve("talk", ("podcast",))
    assert caught.value.hint == "vidctl podcasts list"


def test_an_ambiguous_reference_names_the_candidates(world: World) -> None:
    ids = [f"0000{number}{'a' * 21}" for number in range(8)]
    for number, thing_id in enumerate(ids):
        add_thing(world.acme, f"Talk {number}", id=thing_id, youtubeId="dQw4w9WgXcQ")
    for reference in ("0000", "yt:dQw4w9WgXcQ"):
        with pytest.raises(Ambiguous) as caught:
            world.acme.things.resolve(reference)
        assert f"talk-0 (video {ids[0]})" in caught.value.message
        assert ids[7] not in caught.value.message, "a long list is cut"
    assert world.acme.things.resolve("00003").id == ids[3]


def test_a_slug_wins_over_a_prefix(world: World) -> None:
    add_thing(world.acme, "A", id="abcd" + "0" * 22)
    named = add_thing(world.acme, "B", id="1" * 26, slug="abcd")
    assert world.acme.things.resolve("abcd") == named


# --- connections, events, media -----------------------------------------------------------------


def test_a_link_is_made_once(world: World) -> None:
    one, other = add_thing(world.acme), add_thing(world.acme)
    first = link(world.acme, one, other)
    world.acme.connections.add(first)
    world.acme.connections.add(replace(first, id=new_id(), metadata={"strength": 1}))
    (found,) = world.acme.connections.outgoing(one.id, "related_to")
    assert (found.id, found.metadata) == (first.id, {"strength": 1})
    assert world.acme.connections.incoming(other.id, "related_to") == [found]


def test_links_come_in_order_of_position(world: World) -> None:
    playlist = add_thing(world.acme, type="playlist")
    items = [add_thing(world.acme) for _ in range(3)]
    for item, position in zip(items, (2.0, 0.5, 1.25), strict=True):
        made = replace(link(world.acme, playlist, item, "contains"), position=position)
        world.acme.connections.add(made)
    found = world.acme.connections.outgoing(playlist.id, "contains")
    assert [each.to_id for each in found] == [items[1].id, items[2].id, items[0].id]


def test_a_removed_link_can_come_back(world: World) -> None:
    one, other = add_thing(world.acme), add_thing(world.acme)
    made = link(world.acme, one, other)
    world.acme.connections.add(made)
    world.acme.connections.remove(made.id)
    assert world.acme.connections.outgoing(one.id, "related_to") == []
    world.acme.connections.add(made)
    assert world.acme.connections.outgoing(one.id, "related_to") == [made]


def test_events_are_logged_once_and_newest_first(world: World) -> None:
    thing = add_thing(world.acme)
    events = [
        Event("content_event", "video_viewed", None, thing.id, at, {"n": at}, id=new_id())
        for at in (5, 7, 6)
    ]
    world.acme.events.append(events)
    world.acme.events.append(events)
    assert [event.at for event in world.acme.events.of(thing.id)] == [7, 6, 5]
    assert [event.at for event in world.acme.events.of(thing.id, limit=1)] == [7]
    assert world.acme.events.count(thing.id, "video_viewed") == 3


def test_an_event_is_logged_where_its_thing_is(world: World) -> None:
    """Somebody who works on a group and all below it leaves the log of each in its place."""
    thing = add_thing(world.courses)
    world.wide.events.append([Event("entity_updated", target_id=thing.id)])
    assert len(world.courses.events.of(thing.id)) == 1
    assert world.acme.events.of(thing.id) == []
    world.wide.events.append([Event("entity_updated", target_id=new_id())])
    assert len(world.dump("acme")["events"]) == 1


def test_an_event_without_id_and_time_gets_both(world: World) -> None:
    thing = add_thing(world.acme)
    world.acme.events.append([Event("entity_updated", target_id=thing.id)])
    (event,) = world.acme.events.of(thing.id)
    assert event.id
    assert event.at > 1_700_000_000_000
    assert event.group_id == world.groups["acme"].id


def test_the_same_bytes_are_held_once_in_a_group(world: World) -> None:
    one, other = add_thing(world.acme), add_thing(world.acme)
    held = media_row(world.acme, one)
    world.acme.media.add(held)
    with pytest.raises(Conflict):
        world.acme.media.add(media_row(world.acme, other))
    world.acme.media.add(media_row(world.acme, other, role="thumbnail"))
    mine = add_thing(world.rival)
    world.rival.media.add(media_row(world.rival, mine))
    assert world.acme.media.by_hash(held.sha256) == held
    assert [row.role for row in world.acme.media.of(other.id)] == ["thumbnail"]
    assert len(list(world.acme.media.all())) == 2
    for row in (held, world.acme.media.of(other.id)[0]):
        assert world.acme.media.is_needed(row.host, row.locator)
        assert not world.acme.media.is_needed("elsewhere", row.locator)
        is_shared = world.acme.media.is_needed(row.host, row.locator, besides=row.id)
        assert is_shared == (row == held)
        world.acme.media.remove(row.id)
    assert not world.acme.media.is_needed(held.host, held.locator)


def test_bytes_are_the_first_ones_that_needs_them_and_else_whose_they_were(world: World) -> None:
    one, other, gone = (add_thing(world.acme) for _ in range(3))
    former = media_row(world.acme, gone, role="thumbnail")
    world.acme.media.add(former)
    world.acme.media.remove(former.id)
    place = (former.host, former.locator)
    locators = [former.locator, "nowhere"]
    assert world.acme.media.owners(locators) == {place: gone.id}
    for thing in (one, other):
        world.acme.media.add(media_row(world.acme, thing, role="thumbnail"))
    assert world.acme.media.owners(locators) == {place: one.id}
    assert world.acme.media.owners([]) == {}
    assert world.rival.media.owners(locators) == {}
    assert world.wide.media.owners(locators) == {place: one.id}


def test_bytes_that_were_forgotten_can_come_back(world: World) -> None:
    thing = add_thing(world.acme)
    world.acme.media.add(media_row(world.acme, thing))
    world.acme.media.remove(world.acme.media.of(thing.id)[0].id)
    assert world.acme.media.of(thing.id) == []
    world.acme.media.add(media_row(world.acme, thing))
    assert len(world.acme.media.of(thing.id)) == 1


def test_a_file_is_found_by_its_name_and_by_its_path(world: World) -> None:
    acme, thing = world.acme, add_thing(world.acme)
    held = media_row(acme, thing, metadata={"path": "/in/talk.mp4", "size": 5})
    acme.media.add(held)
    assert acme.media.by_file("talk.mp4") == held
    assert acme.media.by_file("talk.mp4", "/in/talk.mp4") == held
    assert acme.media.by_file("talk.mp4", "/out/talk.mp4") is None
    assert acme.media.by_file("Talk.mp4") is None
    assert world.rival.media.by_file("talk.mp4") is None
    assert world.courses.media.by_file("talk.mp4") is None
    acme.media.annotate(held.id, {"path": "/out/talk.mp4"})
    assert acme.media.by_file("talk.mp4", "/out/talk.mp4") == replace(
        held, metadata={"path": "/out/talk.mp4"}
    )
    acme.media.add(media_row(acme, add_thing(acme), "cover", role="thumbnail"))
    newer = media_row(acme, add_thing(acme), "other bytes")
    acme.media.add(newer)
    assert acme.media.by_file("talk.mp4") == newer
    acme.media.recast(newer.id, "version")
    assert acme.media.by_file("talk.mp4") == replace(newer, role="version")
    acme.media.remove(newer.id)
    assert acme.media.by_file("talk.mp4") is not None
    plan = acme.database.rows(
        "EXPLAIN QUERY PLAN SELECT m.id FROM media AS m WHERE m.group_id = 'x' AND m.filename = 'y'"
        " AND m.role IN ('source', 'version') AND m.deleted_at IS NULL"
    )
    assert "media_by_file" in plan[0][3], "a hundred thousand rows are not read for each file"


# --- rows keep their rules ----------------------------------------------------------------------

FOR_EVER = ("groups", "things", "connections", "events", "knowledge")
IN_THEIR_GROUP = (
    *("groups", "things", "connections", "events", "segments", "knowledge", "thing_knowledge"),
    "media",
)


@pytest.mark.parametrize("table", FOR_EVER)
def test_rows_are_never_deleted(world: World, table: str) -> None:
    Bundle.of(world.acme)
    with pytest.raises((Conflict, StorageFailed), match=r"append-only|never removed"):
        world.library.database.execute(f"DELETE FROM {table}")


@pytest.mark.parametrize("table", IN_THEIR_GROUP)
def test_a_row_never_changes_its_group(world: World, table: str) -> None:
    Bundle.of(world.acme)
    with pytest.raises((Conflict, StorageFailed), match=r"keeps its|append-only"):
        world.library.database.execute(
            f"UPDATE {table} SET group_id = ?", (world.groups["rival"].id,)
        )


def test_events_are_never_changed(world: World) -> None:
    Bundle.of(world.acme)
    with pytest.raises((Conflict, StorageFailed), match="append-only"):
        world.library.database.execute("UPDATE events SET action = 'x'")


def test_a_transaction_is_kept_whole_or_not_at_all(world: World) -> None:
    def act() -> None:
        with world.acme.transaction():
            add_thing(world.acme, slug="one")
            with world.acme.transaction():
                add_thing(world.acme, slug="two")
            raise Undo

    with pytest.raises(Undo):
        act()
    assert world.acme.things.page(ThingQuery(("video",))).total == 0
    with world.acme.transaction():
        add_thing(world.acme, slug="one")
    assert world.acme.things.page(ThingQuery(("video",))).total == 1


@pytest.mark.parametrize("point", ["store.commit", "store.committed"])
def test_a_disk_that_fails_at_the_commit(world: World, point: str) -> None:
    from vidctl import failpoints

    failpoints.arm(f"{point}:1:eio")
    with pytest.raises(OSError, match=point):
        add_thing(world.acme, slug="one")
    failpoints.arm("")
    kept = world.acme.things.page(ThingQuery(("video",))).total
    assert kept == (1 if point == "store.committed" else 0)
    add_thing(world.acme, slug="two")
