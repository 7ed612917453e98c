"""No command shows one group what belongs to another: a state machine over the whole surface.

Every group has two canary words of its own: one in slugs, titles and tags, which commands also ask
for, and a hidden one in descriptions, properties and transcripts, which nobody ever types: where it
shows up outside its group, something leaked. Commands are found by introspection; one without a
plan here fails the suite.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from flow_samples import captioned
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from vidctl.cli import app as cli

GROUPS = ("alpha", "alpha/below", "beta", "gamma")
CANARY = {
    "alpha": "quokkaalpha",
    "alpha/below": "ibisbelow",
    "beta": "narwhalbeta",
    "gamma": "okapigamma",
}
HIDDEN = {group: f"hidden{word[::-1]}" for group, word in CANARY.items()}
# One word that all groups share, so that a search has something to find everywhere.
COMMON = "lighthouse"

# What each command is called with; {ref} is a thing of any group, {own} one of the group at work.
PLANS: dict[str, list[list[str]]] = {
    "init": [["init"]],
    "demo": [],  # works in a library of its own
    "upload": [["upload", "{file}"], ["upload", "{file}", "-n"]],
    "process": [["process"], ["process", "{ref}"]],
    "transcribe": [["transcribe", "{ref}"], ["transcribe", "{ref}", "--force"]],
    "index": [["index"], ["index", "{ref}"]],
    "search": [
        ["search", "{word}", "--mode", "text"],
        ["search", COMMON, "--mode", "text", "-n", "50", "--context", "3", "--explain"],
        ["search", COMMON, "--mode", "text", "--tag", "{word}"],
    ],
    "status": [["status"]],
    "doctor": [["doctor"], ["doctor", "--fix"]],
    "backup": [],  # copies the file as a whole, for the person who owns all of it
    "completion": [["completion", "bash"]],
    "uploads list": [["uploads", "list"]],
    "uploads resume": [["uploads", "resume"], ["uploads", "resume", "{ref}"]],
    "uploads abort": [["uploads", "abort", "{ref}"], ["uploads", "abort", "--all", "-y"]],
    "uploads orphans": [["uploads", "orphans"]],
    "cost show": [["cost", "show"], ["cost", "show", "--by", "day"]],
    "cost estimate": [
        ["cost", "estimate", "upload", "{ref}", "--to", "cloudinary"],
        ["cost", "estimate", "embed", "{ref}", "--engine", "openai"],
    ],
    "cost cap": [["cost", "cap"]],
    "hosts list": [["hosts", "list"]],
    "hosts check": [["hosts", "check"]],
    "hosts verify": [["hosts", "verify", "folder", "{file}", "--timestamp", "1"]],
    "keys list": [["keys", "list"]],
    "keys set": [["keys", "set", "openai", "-n"]],
    "keys rm": [["keys", "rm", "{word}", "-n"]],
    "config show": [["config", "show"]],
    "config get": [["config", "get", "search.limit"]],
    "config set": [["config", "set", "search.limit", "10"]],
    "config unset": [["config", "unset", "search.limit"]],
    "config trust": [["config", "trust", "--yes"]],
    "config path": [["config", "path"]],
    "playlists add": [["playlists", "add", "Added"], ["playlists", "add", "X", "--items", "{ref}"]],
    "playlists list": [
        ["playlists", "list", "--status", "all"],
        ["playlists", "list", "--text", "{word}", "--author", "{person}"],
    ],
    "playlists show": [["playlists", "show", "list-{word}"]],
    "playlists edit": [["playlists", "edit", "list-{word}", "--tag", "edited"]],
    "playlists archive": [["playlists", "archive", "list-{word}", "-n"]],
    "playlists restore": [["playlists", "restore", "list-{word}"]],
    "playlists rm": [
        ["playlists", "rm", "list-{word}", "-n"],
        ["playlists", "rm", "list-{word}", "--purge", "-n"],
    ],
    "playlists items": [["playlists", "items", "list-{word}"]],
    "playlists add-item": [
        ["playlists", "add-item", "list-{word}", "{ref}"],
        ["playlists", "add-item", "added", "{ref}", "--at", "1"],
    ],
    "playlists rm-item": [["playlists", "rm-item", "list-{word}", "{ref}", "-n"]],
    "playlists move": [["playlists", "move", "list-{word}", "{ref}", "--to", "1"]],
    "playlists sort": [["playlists", "sort", "list-{word}", "--by", "title"]],
    "people add": [["people", "add", "Added"]],
    "people list": [
        ["people", "list", "--status", "all"],
        ["people", "list", "--role", "org_user"],
    ],
    "people show": [["people", "show", "{person}"]],
    "people edit": [["people", "edit", "{person}", "--name", "Same"]],
    "people rm": [["people", "rm", "{person}"], ["people", "rm", "{person}", "--purge", "-n"]],
    "people restore": [["people", "restore", "{person}"]],
    "people role set": [["people", "role", "set", "{person}", "customer"]],
    "people grant": [["people", "grant", "{person}", "{ref}"]],
    "people revoke": [["people", "revoke", "{person}", "{ref}"]],
    "whoami": [["whoami"], ["whoami", "--as", "{person}"]],
    "groups members": [["groups", "members"], ["groups", "members", "{group}"]],
    "labels list": [["labels", "list"], ["labels", "list", "--item", "{ref}"]],
    "labels add": [["labels", "add", "{word}", "{ref}"]],
    "labels rm": [["labels", "rm", "{word}", "{ref}"]],
    "labels rename": [["labels", "rename", "{word}", "{word} again"]],
    "labels merge": [["labels", "merge", "{word}", "--into", "merged"]],
    "events list": [
        ["events", "list"],
        ["events", "list", "--target", "{ref}"],
        ["events", "list", "--target", "{group}", "--actor", "{person}"],
    ],
    "events show": [["events", "show", "{ref}"]],
    "events export": [["events", "export"], ["events", "export", "--target", "{ref}"]],
    "events record": [["events", "record", "--action", "note_taken", "--target", "{ref}"]],
    "progress set": [["progress", "set", "{ref}", "--at", "1", "--person", "{person}"]],
    "progress watch": [["progress", "watch", "{ref}", "--range", "0-2"]],
    "progress done": [["progress", "done", "{ref}"]],
    "progress show": [
        ["progress", "show"],
        ["progress", "show", "--person", "{person}"],
        ["progress", "show", "--item", "{ref}"],
    ],
    "progress import": [["progress", "import", "{file}"]],
    "progress export": [["progress", "export"], ["progress", "export", "--xapi"]],
    "media list": [["media", "list", "{ref}"]],
    "media probe": [["media", "probe", "{ref}"], ["media", "probe", "{file}", "--loudness"]],
    "media thumb": [["media", "thumb", "{ref}"], ["media", "thumb", "{ref}", "--out", "new.jpg"]],
    "media sheet": [["media", "sheet", "{ref}", "--out", "sheet.jpg"]],
    "media storyboard": [["media", "storyboard", "{ref}"]],
    "media audio": [["media", "audio", "{ref}"], ["media", "audio", "{ref}", "--out", "a.opus"]],
    "media peaks": [["media", "peaks", "{ref}"], ["media", "peaks", "{ref}", "--store"]],
    "media preview": [["media", "preview", "{ref}"]],
    "media move": [
        ["media", "move", "{ref}", "--to", "shelf"],
        ["media", "move", "{ref}", "--to", "folder", "--delete-source"],
        ["media", "move", "--all", "--to", "shelf"],
    ],
    "analytics summary": [["analytics", "summary", "--since", "7d"], ["analytics", "summary"]],
    "analytics video": [["analytics", "video", "{ref}"]],
    "analytics creator": [["analytics", "creator"], ["analytics", "creator", "{person}"]],
    "analytics course": [["analytics", "course", "{ref}"]],
    "analytics popular": [["analytics", "popular"]],
    "analytics retention": [["analytics", "retention", "{ref}", "--text"]],
    "analytics searches": [["analytics", "searches"], ["analytics", "searches", "--zero"]],
    "analytics export": [["analytics", "export"]],
    "groups add": [["groups", "add", "new", "-n"], ["groups", "add", "{group}/new", "-n"]],
    "groups list": [["groups", "list"]],
    "groups tree": [["groups", "tree"]],
    "groups show": [["groups", "show", "{group}"]],
    "groups edit": [["groups", "edit", "{group}", "--name", "Same"]],
    "groups move": [["groups", "move", "{group}", "--to", "{group}", "-n"]],
    "groups archive": [["groups", "archive", "{group}", "-n"]],
    "groups restore": [["groups", "restore", "{group}", "-n"]],
}
PLANS |= {
    "courses add": [["courses", "add", "Added", "--instructor", "{person}"]],
    "courses list": [
        ["courses", "list", "--status", "all"],
        ["courses", "list", "--text", "{word}", "--tag", "{word}"],
        ["courses", "list", "--author", "{person}", "--level", "beginner"],
    ],
    "lessons add": [
        ["lessons", "add", "Added", "--course", "course-{word}", "--section", "New"],
        ["lessons", "add", "Added", "--course", "course-{word}", "--video", "{ref}"],
    ],
    "lessons list": [["lessons", "list", "--course", "course-{word}", "--status", "all"]],
    "lessons show": [["lessons", "show", "lesson-{word}"]],
    "lessons edit": [
        ["lessons", "edit", "lesson-{word}", "--section", "Edited"],
        ["lessons", "edit", "lesson-{word}", "--video", "{ref}"],
    ],
    "lessons move": [
        ["lessons", "move", "lesson-{word}", "--to", "1"],
        ["lessons", "move", "lesson-{word}", "--after", "lesson-{word}"],
    ],
    "courses show": [["courses", "show", "course-{word}"]],
    "courses outline": [["courses", "outline", "course-{word}"]],
    "courses edit": [["courses", "edit", "course-{word}", "--instructor", "{person}"]],
    "courses enrol": [
        ["courses", "enrol", "course-{word}", "{person}", "me"],
        ["courses", "enrol", "course-{word}", "--group-members", "{group}"],
    ],
    "courses unenrol": [["courses", "unenrol", "course-{word}", "{person}"]],
    "courses report": [["courses", "report", "course-{word}"]],
    "courses progress": [["courses", "progress", "course-{word}", "--person", "{person}"]],
}
for noun in ("courses", "lessons"):
    for verb in ("publish", "archive", "restore", "rm"):
        PLANS[f"{noun} {verb}"] = [[noun, verb, f"{noun[:-1]}-{{word}}"]]
    PLANS[f"{noun} rm"].append([noun, "rm", f"{noun[:-1]}-{{word}}", "--purge", "-n"])
for noun in ("videos", "podcasts"):
    PLANS |= {
        f"{noun} add": [[noun, "add", "--title", "Added", "--tag", "new"]],
        f"{noun} list": [
            [noun, "list", "--status", "all"],
            [noun, "list", "--text", "{word}"],
            [noun, "list", "--tag", "{word}", "--fields", "name,transcript,tags"],
            [noun, "list", "--author", "{person}"],
            [noun, "list", "--label", "{word}", "--where", "tag!={word} and title~{word}"],
        ],
        f"{noun} show": [[noun, "show", "{ref}"]],
        f"{noun} edit": [
            [noun, "edit", "{ref}", "--tag", "edited"],
            [noun, "edit", "--where", "tag={word}", "--add-tag", "marked", "--add-label", "kept"],
        ],
        f"{noun} publish": [[noun, "publish", "{ref}"]],
        f"{noun} archive": [[noun, "archive", "{ref}"]],
        f"{noun} restore": [[noun, "restore", "{ref}"]],
        f"{noun} rm": [[noun, "rm", "{ref}"], [noun, "rm", "{ref}", "--purge", "-n"]],
    }
PEOPLE, MEMBERS = ("people", "whoami"), ["groups", "members"]
CASES = [plan for plans in PLANS.values() for plan in plans]


def surface() -> list[str]:
    """Every command of the command line, verbs included."""
    root: Any = typer.main.get_command(cli.app)
    return [path for name in cli.TABLE for path in below(name, root.load(name))]


def below(path: str, command: Any) -> list[str]:
    """The commands of a noun, however deep its verbs lie."""
    verbs = getattr(command, "commands", None)
    if not verbs:
        return [path]
    return [found for verb in verbs for found in below(f"{path} {verb}", verbs[verb])]


def test_every_command_has_a_plan() -> None:
    assert sorted(surface()) == sorted(PLANS)


@dataclass
class Ran:
    code: int
    text: str


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def run(folder: Path, *words: str) -> Ran:
    """Run a command in this process and return everything it wrote."""
    streams = sys.stdout, sys.stderr
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    sys.stdout = sys.stderr = out
    try:
        with inside(folder):
            code = cli.run(list(words))
    finally:
        sys.stdout, sys.stderr = streams
    out.flush()
    buffer = out.buffer
    assert isinstance(buffer, io.BytesIO)
    return Ran(int(code), buffer.getvalue().decode())


def build(folder: Path) -> None:
    """Make the library: in each group a video, a captioned episode, its owner, and a person."""
    assert run(folder, "init").code == 0
    run(folder, "config", "set", "embed.engine", "none")
    run(folder, "config", "set", "hosts.shelf.kind", "folder")
    run(folder, "config", "set", "hosts.shelf.path", "shelf")
    for number, group in enumerate(GROUPS):
        word, hidden = CANARY[group], HIDDEN[group]
        assert run(folder, "groups", "add", group, "--description", hidden).code == 0
        at = ("-g", group)
        file = captioned(
            folder / f"{word}.wav",
            [f"The {COMMON} of {word} {hidden} stands."] * 3,
            pitch=300 + 40 * number,
        )
        made = run(folder, "upload", file.name, "--process", "--tags", word, *at)
        assert made.code == 0, made
        made = run(
            folder,
            "videos",
            "add",
            "https://example.org/v.mp4",
            "--title",
            f"Video {word}",
            "--description",
            f"{COMMON} {word} {hidden}",
            "--tag",
            word,
            "--set",
            f"secret={hidden}",
            *at,
        )
        assert made.code == 0, made
        course = ("courses", "add", f"Course {word}", "--tag", word, "--description", hidden)
        assert run(folder, *course, "--level", "beginner", *at).code == 0
        lesson = ("lessons", "add", f"Lesson {word}", "--course", f"course-{word}")
        assert run(folder, *lesson, "--video", f"video-{word}", "--body", hidden, *at).code == 0
        assert run(folder, "courses", "enrol", f"course-{word}", "owner", *at).code == 0
        assert run(folder, "process", *at).code == 0
        listed = ("--items", f"video-{word}", "--description", hidden)
        assert run(folder, "playlists", "add", f"List {word}", *listed, *at).code == 0
        made = run(folder, "people", "add", f"Person {word}", "--bio", hidden, *at)
        assert made.code == 0, made


class Tenants(RuleBasedStateMachine):
    """Runs random commands in random groups and looks for words that belong elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="tenants-"))
        shutil.copytree(TEMPLATE, self.folder, dirs_exist_ok=True)
        trusted = run(self.folder, "config", "trust", "--yes")  # a copy is another project
        assert trusted.code == 0, trusted
        self.last: tuple[Ran, set[str], tuple[str, ...]] | None = None
        # What was searched for in a group is remembered there, whatever it was.
        self.typed: dict[str, set[str]] = {group: set() for group in GROUPS}

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @initialize()
    def begin(self) -> None:
        self.last = None

    @rule(
        case=st.sampled_from(CASES),
        group=st.sampled_from(GROUPS),
        other=st.sampled_from(GROUPS),
        noun=st.sampled_from(("video", "podcast")),
        recursive=st.booleans(),
        form=st.sampled_from(("", "--json", "--jsonl", "--csv")),
    )
    def command(
        self, case: list[str], group: str, other: str, noun: str, recursive: bool, form: str
    ) -> None:
        word = CANARY[other]
        slug = f"video-{word}" if noun == "video" else word
        values = {
            "{ref}": slug,
            "{own}": slug,
            "{word}": word,
            "{group}": other,
            "{person}": f"person-{word}" if recursive or noun == "video" else "owner",
            "{file}": f"{CANARY[group]}.wav",
        }
        called = []
        for part in case:
            for mark, value in values.items():
                part = part.replace(mark, value)
            called.append(part)
        flags = ["-g", group, *(["-r"] if recursive else []), *([form] if form else [])]
        ran = run(self.folder, *called, *flags)
        sees_below = recursive or called[0] in ("groups", "doctor")
        allowed = {group} | ({"alpha/below"} if group == "alpha" and sees_below else set())
        if group == "alpha/below" and (called[0] in PEOPLE or called[:2] == MEMBERS):
            allowed.add("alpha")  # whose people may act below, and nothing else of it is seen
        if group == "alpha/below":
            # They can be enrolled below and watch below, so their names stand in any listing.
            person = re.compile(f"person[- ]{CANARY['alpha']}", re.IGNORECASE)
            ran = Ran(ran.code, person.sub("", ran.text))
        own = {words[name] for name in allowed for words in (CANARY, HIDDEN)}
        asked = {word for word in CANARY.values() if any(word in part for part in called)}
        if called[0] == "search":
            self.typed[group] |= asked
        own = own.union(*(self.typed[name] for name in allowed))
        self.last = (ran, asked | own, (*called, *flags))

    @invariant()
    def nothing_leaked(self) -> None:
        if self.last is None:
            return
        ran, allowed, words = self.last
        assert ran.code != 70, (words, ran)
        every = (*CANARY.values(), *HIDDEN.values())
        found = {word for word in every if word in ran.text.lower()}
        assert found <= allowed, (words, found - allowed, ran)


TEMPLATE = Path(tempfile.gettempdir()) / "never-used"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    global TEMPLATE
    TEMPLATE = tmp_path_factory.mktemp("tenants")
    build(TEMPLATE)
    return TEMPLATE


MACHINE = settings(
    max_examples=50,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_no_leaks(template: Path) -> None:
    """1,000 commands: 50 runs of 20."""
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(Tenants, settings=MACHINE)


@pytest.mark.slow
def test_no_leaks_in_ten_thousand_commands(template: Path) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(Tenants, settings=settings(MACHINE, max_examples=500))


@pytest.mark.parametrize("verb", ["show", "edit", "publish", "archive", "restore", "rm"])
@pytest.mark.parametrize("noun", ["videos", "podcasts"])
def test_a_foreign_reference_is_a_missing_one(template: Path, noun: str, verb: str) -> None:
    """Same exit code, same words, same absence of effects, for slug, id and id prefix."""
    slug = f"video-{CANARY['beta']}" if noun == "videos" else CANARY["beta"]
    foreign = run(template, noun, "show", slug, "-g", "beta", "--fields", "id").text.strip()
    before = run(template, noun, "show", slug, "-g", "beta", "--json").text
    missing = "0" * len(foreign)
    extra = ("--tag", "x") if verb == "edit" else ()
    for reference, stand_in in (
        (foreign, missing),
        (slug, "n" * len(slug)),
        (foreign[:20], missing[:20]),
    ):
        there = run(template, noun, verb, reference, *extra, "-g", "gamma")
        absent = run(template, noun, verb, stand_in, *extra, "-g", "gamma")
        assert there.code == absent.code == 6
        assert there.text.replace(reference, "REF") == absent.text.replace(stand_in, "REF")
    assert run(template, noun, "show", slug, "-g", "beta", "--json").text == before
