"""Who may do what: the policy table against every command, for every standing and target.

Each command has its cases in ``CASES``; one that is not there fails the suite. What a case should
end with is computed from ``POLICY``: 0 where it is granted, 4 where the target is in sight and it
is not, 6 where the target is out of sight. Writing commands rehearse, so one library serves all.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness import CAPTIONS, Result, Runner, write_tone
from surface import LEAVES

from vidctl.catalog.policy import POLICY
from vidctl.config import Config
from vidctl.ids import derived_id, new_id
from vidctl.library import Library, now
from vidctl.model.connection import Connection
from vidctl.model.event import Event
from vidctl.model.media import Content, MediaRow
from vidctl.model.thing import MEDIA_TYPES, Thing

# standing -> who stands so; ``stranger`` has no role at all, which is as good as customer.
ACTORS = {
    "org_owner": "olga",
    "creator": "cleo",
    "org_user": "ursula",
    "customer": "carl",
    "stranger": "nora",
}
KINDS = ("video", "podcast", "playlist", "course", "lesson")
# Whose commands are tried with ids and their beginnings too; the others use names.
IN_EVERY_FORM = ("org_user", "customer")
MISSING = "nothing-of-that-name"
GROUPS = {"home": "default", "below": "default/below", "out": "rival"}


@dataclass(frozen=True)
class Case:
    """A way to call a command: what it asks the policy for, and about what kind of target.

    ``kind`` is a type of thing, ``person``, ``group``, ``event``, or nothing for commands about
    the home group as a whole. ``{}`` in the words stands for the target; ``targets`` are those
    that make sense where not all do. ``mine``: it is done about oneself, so ``self`` is enough.
    """

    action: str
    kind: str = ""
    words: str = ""
    targets: tuple[str, ...] = ()
    mine: bool = False


def items(noun: str) -> dict[str, list[Case] | str]:
    """The cases of ``videos`` or ``podcasts``."""
    type = noun[:-1]
    return {
        f"{noun} add": [Case("add", words="--title New")],
        f"{noun} list": [Case("view"), Case("view people", "person", "--author {}")],
        f"{noun} show": [Case("view", type, "{}")],
        f"{noun} edit": [Case("edit", type, "{} --title New")],
        f"{noun} publish": [Case("edit", type, "{}")],
        f"{noun} archive": [Case("edit", type, "{}")],
        f"{noun} restore": [Case("edit", type, "{}")],
        f"{noun} rm": [Case("edit", type, "{}"), Case("purge", type, "{} --purge")],
    }


def kept(noun: str) -> dict[str, list[Case] | str]:
    """The cases of the verbs that ``playlists``, ``courses`` and ``lessons`` share."""
    type = noun[:-1]
    return {
        f"{noun} show": [Case("view", type, "{}")],
        f"{noun} edit": [Case("edit", type, "{} --title New")],
        f"{noun} archive": [Case("edit", type, "{}")],
        f"{noun} restore": [Case("edit", type, "{}")],
        f"{noun} rm": [Case("edit", type, "{}"), Case("purge", type, "{} --purge")],
    }


def made(out: str) -> list[Case]:
    """The cases of a command that makes something of media: kept with the item, or written out."""
    return [
        *(Case("edit", kind, "{}") for kind in MEDIA_TYPES),
        *(Case("view", kind, f"{{}} --out {out}") for kind in MEDIA_TYPES),
    ]


PERSONAL = "needs no right: it is about the settings or this machine"
MANAGE = "manage people"
# One line for each command: its cases, or why nobody is asked.
CASES: dict[str, list[Case] | str] = {
    "init": "makes a library, which has no people yet",
    "demo": "brings its own library",
    "whoami": "everybody may know who they are",
    "completion": PERSONAL,
    "uploads list": [Case("keep library")],
    "uploads resume": [Case("keep library")],
    "uploads abort": [Case("keep library", words="--all")],
    "uploads orphans": [Case("keep library")],
    "cost show": [Case("keep library")],
    "cost estimate": [Case("add", words="upload talk.wav")],
    "cost cap": [Case("keep library")],
    "hosts list": [Case("keep library")],
    "hosts check": PERSONAL,
    "hosts verify": PERSONAL,
    "keys list": PERSONAL,
    "keys set": PERSONAL,
    "keys rm": PERSONAL,
    "config show": PERSONAL,
    "config get": PERSONAL,
    "config set": PERSONAL,
    "config unset": PERSONAL,
    "config trust": PERSONAL,
    "config path": PERSONAL,
    "upload": [Case("add", words="talk.wav")],
    "process": [Case("edit", "video", "{}"), Case("edit", "podcast", "{}"), Case("view")],
    "transcribe": [Case("edit", "video", "{}"), Case("edit", "podcast", "{}"), Case("view")],
    "index": [Case("edit", "video", "{}"), Case("edit", "podcast", "{}"), Case("view")],
    "search": [Case("view", words="kingfisher --mode text")],
    "status": [Case("view groups")],
    "doctor": [Case("keep library")],
    "backup": [Case("keep library", "library", "copy.db")],
    **items("videos"),
    **items("podcasts"),
    **kept("playlists"),
    "playlists add": [Case("add", words="New")],
    "playlists list": [Case("view"), Case("view people", "person", "--author {}")],
    "playlists items": [Case("view", "playlist", "{}")],
    "playlists add-item": [Case("edit", "playlist", "{} seen-video")],
    "playlists rm-item": [Case("edit", "playlist", "{} seen-video")],
    "playlists move": [Case("edit", "playlist", "{} seen-video --to 1")],
    "playlists sort": [Case("edit", "playlist", "{} --by title")],
    **kept("courses"),
    "courses add": [Case("add", words="New")],
    "courses list": [Case("view"), Case("view people", "person", "--author {}")],
    "courses outline": [Case("view", "course", "{}")],
    "courses publish": [Case("edit", "course", "{}")],
    "courses enrol": [Case("enrol", "course", "{} me", mine=True)],
    "courses unenrol": [Case("enrol", "course", "{} me", mine=True)],
    "courses report": [Case("view progress", "course", "{}")],
    "courses progress": [Case("view progress", "course", "{}", mine=True)],
    **kept("lessons"),
    "lessons add": [Case("edit", "course", "New --course {}")],
    "lessons list": [Case("view", "course", "--course {}")],
    "lessons move": [Case("edit", "lesson", "{} --to 1")],
    "lessons publish": [Case("edit", "lesson", "{}")],
    "labels list": [Case("view"), Case("view", "course", "--item {}")],
    "labels add": [Case("edit", kind, "new {}") for kind in KINDS],
    "labels rm": [Case("edit", kind, "kept {}") for kind in KINDS],
    "labels rename": [Case("manage labels", words="kept new")],
    "labels merge": [Case("manage labels", words="kept --into new")],
    "events list": [Case("view events"), Case("view events", "person", "--actor {}")],
    "events export": [Case("view events"), Case("view events", "person", "--actor {}")],
    "events show": [Case("view events", "event", "{}")],
    "events record": [
        Case("record events", "video", "--action noted --target {}", mine=True),
        Case("record events", "person", "--action noted --actor {}"),
    ],
    "progress set": [
        Case("record progress", "video", "{} --at 5", mine=True),
        Case("record progress", "person", "seen-video --at 5 --person {}"),
    ],
    "progress watch": [
        Case("record progress", "podcast", "{} --range 0-5", mine=True),
        Case("record progress", "person", "seen-video --range 0-5 --person {}"),
    ],
    "progress done": [
        Case("record progress", "lesson", "{}", mine=True),
        Case("record progress", "person", "seen-video --person {}"),
    ],
    "progress show": [
        *(Case("view", "video", "--item {}"), Case("view", "course", "--course {}")),
        Case("view progress", "person", "--person {}"),
    ],
    "progress import": [Case("record progress", words="viewings.jsonl", mine=True)],
    "progress export": [
        *(Case("view", "video", "--item {}"), Case("view", "course", "--course {}")),
        Case("view progress", "person", "--person {}"),
    ],
    "media list": [Case("view", kind, "{}") for kind in MEDIA_TYPES],
    "media probe": [Case("view", kind, "{}") for kind in MEDIA_TYPES],
    "media thumb": made("new.jpg"),
    "media sheet": made("new.jpg"),
    "media storyboard": made("new"),
    "media audio": made("new.opus"),
    "media peaks": [Case("view", "podcast", "{}"), Case("edit", "podcast", "{} --store")],
    "media preview": made("new.webp"),
    "media move": [Case("edit", kind, "{} --to folder") for kind in MEDIA_TYPES],
    "analytics summary": [Case("view analytics")],
    "analytics popular": [Case("view analytics")],
    "analytics searches": [Case("view analytics")],
    "analytics export": [Case("view analytics")],
    "analytics video": [Case("view analytics", "video", "{}")],
    "analytics retention": [Case("view analytics", "video", "{}")],
    "analytics course": [Case("view analytics", "course", "{}")],
    "analytics creator": [Case("view analytics", "person", "{}")],
    "people add": [Case(MANAGE, words="New")],
    "people list": [Case("view people")],
    "people show": [Case("view people", "person", "{}")],
    "people edit": [Case("edit people", "person", "{} --name New")],
    "people rm": [Case(MANAGE, "person", "{}"), Case(MANAGE, "person", "{} --purge --yes")],
    "people restore": [Case(MANAGE, "person", "{}")],
    "people role set": [Case(MANAGE, "person", "{} customer")],
    "people grant": [Case(MANAGE, kind, "me {}") for kind in ("video", "podcast", "course")],
    "people revoke": [Case(MANAGE, kind, "me {}") for kind in ("video", "podcast", "playlist")],
    "groups add": [Case("manage groups", "group", "New --parent {}")],
    "groups list": [Case("view groups")],
    "groups tree": [Case("view groups")],
    "groups show": [Case("view groups", "group", "{}")],
    "groups members": [Case("view people"), Case("view people", "group", "{}")],
    "groups edit": [Case("manage groups", "group", "{} --name New")],
    "groups move": [Case("manage groups", "group", "{} --to default", ("below", "out"))],
    "groups archive": [Case("manage groups", "group", "{}", ("below", "out"))],
    "groups restore": [Case("manage groups", "group", "{}")],
}


# --- the library --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A group with somebody of every standing, and things of every kind near and far.

    ``own-KIND-WHO`` is written by WHO, ``seen-KIND`` is bought by everybody, ``hidden-KIND`` by
    nobody, and ``far-KIND`` lies in a group below, which is out of scope.
    """
    folder = tmp_path_factory.mktemp("school")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDCTL_EMBED_ENGINE", "none")
        patch.setenv("VIDCTL_HOME", str(folder / "home"))
        run = Runner(patch, folder)
        (folder / "talk.vtt").write_text(CAPTIONS, encoding="utf-8")
        write_tone(folder / "talk.wav")
        viewing = '{"item": "seen-video", "ranges": [[0, 5]]}'
        (folder / "viewings.jsonl").write_text(viewing, encoding="utf-8")
        run.ok("init")
        run.ok("groups", "add", "default/below")
        run.ok("groups", "add", "rival")
        for role, name in ACTORS.items():
            given = {"creator": "org_user", "stranger": "customer"}.get(role, role)
            type = "creator" if role == "creator" else "user"
            run.ok("people", "add", name.title(), "--role", given, "--type", type)
        run.ok("people", "role", "set", "nora", "none")
        run.ok("people", "add", "Pat", "--role", "org_user")
        run.ok("people", "add", "Faye", "-g", "default/below")
        fill(folder)
        run.ok("labels", "add", "kept", "seen-video")
        yield run


def opened(folder: Path, group: str, *, recursive: bool = False) -> Library:
    """Open the school's library for a group, as its owner."""
    flags: dict[str, Any] = {"db": str(folder / ".vidctl" / "library.db"), "group": group}
    config = Config(start=folder, environ={}, flags=flags)
    return Library.open(config, recursive=recursive)


def fill(folder: Path) -> None:
    """Put things of every kind into the school."""
    home, below = opened(folder, "default"), opened(folder, "below")
    actors = {name: home.store.people.resolve(name).id for name in ACTORS.values()}
    for kind in KINDS:
        seen = thing(home, kind, f"seen-{kind}")
        thing(home, kind, f"hidden-{kind}")
        thing(below, kind, f"far-{kind}")
        for name, person in actors.items():
            own = thing(home, kind, f"own-{kind}-{name}")
            link(home, person, "authored", own)
            link(home, person, "purchased", seen)
    for name, person in {**actors, "pat": home.store.people.resolve("pat").id}.items():
        noted = Event("content_event", "noted", person, id=event_id(name))
        home.store.events.append([noted])
    arrange(home)
    home.close()
    below.close()


def arrange(home: Library) -> None:
    """Put a video into each playlist and each lesson into a course."""
    find = home.store.things.resolve
    for slug in ("seen", "hidden"):
        link(home, find(f"{slug}-playlist").id, "contains", find("seen-video"))
        link(home, find(f"{slug}-course").id, "contains", find(f"{slug}-lesson"))
    for name in ACTORS.values():
        link(home, find(f"own-playlist-{name}").id, "contains", find("seen-video"))
        link(home, find("seen-course").id, "contains", find(f"own-lesson-{name}"))


def link(library: Library, one: str, type: str, other: Thing) -> None:
    """Link two things; what is contained gets a place of its own."""
    position = float(next(PLACES)) if type == "contains" else None
    made = Connection(new_id(), library.home, one, other.id, type, position)
    library.store.connections.add(made)


PLACES = itertools.count(1)
LENGTHS = itertools.count(10)


def event_id(name: str) -> str:
    """The id of the event that somebody is the actor of."""
    return derived_id("school", "event", name)


def thing(library: Library, type: str, slug: str) -> Thing:
    """Add something that those who bought it see."""
    status = "active" if type == "playlist" else "published"
    properties = {"playlistType": "video"} if type == "playlist" else {}
    made = Thing(new_id(), library.home, type, slug, slug, status, now(), now(), properties)
    library.store.things.add(made)
    if type in MEDIA_TYPES:
        give_sound(library, made)
    return made


def give_sound(library: Library, item: Thing) -> None:
    """Give an item a tone of its own as its media."""
    file = library.config.library_path().parent / "tone.wav"
    write_tone(file, seconds=next(LENGTHS) / 100)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    size = file.stat().st_size
    stored = library.hosts.default.put(file, Content(item.group_id, sha256, size, ".wav"))
    library.store.media.add(
        MediaRow(
            id=new_id(),
            group_id=item.group_id,
            thing_id=item.id,
            role="source",
            sha256=sha256,
            size=size,
            host=stored.host,
            locator=stored.locator,
            filename="tone.wav",
        )
    )


# --- the matrix ---------------------------------------------------------------------------------


def standing_of(actor: str) -> str:
    """The line of the table that counts for an actor."""
    return "customer" if actor == "stranger" else actor


def targets_of(case: Case, actor: str) -> dict[str, str]:
    """The targets of a case, by what they are to the actor: own, seen, out of sight."""
    name = ACTORS[actor]
    sees_all = "all" in POLICY["view groups"][standing_of(actor)]
    if case.kind in ("", "library"):
        return {"": ""}
    if case.kind == "person":
        return {"own": name, "seen" if sees_all else "out": "pat", "far": "faye"}
    if case.kind == "event":
        sees_events = "all" in POLICY["view events"][standing_of(actor)]
        return {"own": event_id(name), "seen" if sees_events else "out": event_id("pat")}
    if case.kind == "group":
        near = {"home": GROUPS["home"], "below" if sees_all else "out": GROUPS["below"]}
        found = {**near, "far": GROUPS["out"]}
        allowed = case.targets or tuple(found)
        return {key: group for key, group in found.items() if key in (*allowed, "far")}
    kind = case.kind
    near = {"own": f"own-{kind}-{name}", "seen": f"seen-{kind}"}
    more = {} if sees_all else {"out": f"hidden-{kind}"}
    return {**near, **more, "far": f"far-{kind}"}


def expected(case: Case, actor: str, target: str) -> int:
    """The exit code that the table asks for."""
    grants = POLICY[case.action][standing_of(actor)]
    if target in ("out", "far"):
        return 6
    if case.kind == "library":
        return 4  # nobody stands anywhere in the other top group
    if "all" in grants or (case.mine and "self" in grants):
        return 0
    about_people = case.kind in ("person", "event")
    return 0 if target == "own" and ("self" if about_people else "own") in grants else 4


def called(run: Runner, path: str, case: Case, actor: str, target: str) -> Result:
    """Run a case about a target as an actor; a writing command only rehearses."""
    words = [word.replace("{}", target) for word in case.words.split()]
    rehearsal = ["--dry-run"] if LEAVES[path].writes else []
    return run(*path.split(), *words, *rehearsal, "--as", ACTORS[actor])


@pytest.fixture(autouse=True)
def _without_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDCTL_EMBED_ENGINE", "none")


def test_every_command_has_cases() -> None:
    assert sorted(CASES) == sorted(LEAVES)


ASKING = [path for path, cases in CASES.items() if not isinstance(cases, str) and path in LEAVES]


def cases_of(path: str) -> list[Case]:
    cases = CASES[path]
    assert not isinstance(cases, str)
    return cases


@pytest.mark.parametrize("path", ASKING)
def test_a_command_obeys_the_table(school: Runner, path: str) -> None:
    wrong = []
    for case in cases_of(path):
        for actor in ACTORS:
            for target, name in targets_of(case, actor).items():
                wanted = expected(case, actor, target)
                result = called(school, path, case, actor, name)
                if result.code != wanted:
                    wrong.append((case.words, actor, target, name, wanted, result))
    assert wrong == []


@pytest.mark.parametrize("path", ASKING)
def test_what_is_out_of_sight_is_missing(school: Runner, ids: dict[str, str], path: str) -> None:
    """Same exit code and same words, with the name replaced, for slugs and for ids."""
    for case in cases_of(path):
        for actor in ACTORS:
            absences: dict[str, Result] = {}
            for target, name in targets_of(case, actor).items():
                if target not in ("out", "far"):
                    continue
                forms = names_of(case, name, ids)
                for reference, stand_in in forms if actor in IN_EVERY_FORM else forms[:1]:
                    there = called(school, path, case, actor, reference)
                    if stand_in not in absences:
                        absences[stand_in] = called(school, path, case, actor, stand_in)
                    absent = absences[stand_in]
                    assert there.code == absent.code, (case, actor, reference, there, absent)
                    assert there.out == absent.out == ""
                    told = there.err.replace(reference, "REF")
                    assert told == absent.err.replace(stand_in, "REF")


@pytest.fixture(scope="module")
def ids(school: Runner) -> dict[str, str]:
    """The ids of the things of the school, by slug."""
    library = opened(school.folder, "default", recursive=True)
    slugs = [f"{place}-{kind}" for place in ("hidden", "far") for kind in KINDS]
    found = {slug: library.store.things.resolve(slug).id for slug in (*slugs, "pat", "faye")}
    library.close()
    return found


def names_of(case: Case, name: str, ids: dict[str, str]) -> list[tuple[str, str]]:
    """How a target can be named, each with a name of the same form that fits nothing."""
    if case.kind == "group":
        return [(name, MISSING)]
    found = ids.get(name, name)
    absent = "0" * len(found)
    by_name = [] if case.kind == "event" else [(name, MISSING)]
    return [*by_name, (found, absent), (found[:20], absent[:20])]
