"""The command line as it is: every command found by introspection, and how to call each."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer

from vidctl.cli.app import TABLE, app


@dataclass(frozen=True)
class Leaf:
    """A command that does something: ``videos add``."""

    path: str
    command: Any

    @property
    def words(self) -> list[str]:
        """The words that call it."""
        return self.path.split()

    @property
    def writes(self) -> bool:
        """Whether it can rehearse, which every command that changes something can."""
        return bool(self.command.writes)


def _below(path: str, command: Any) -> Iterator[Leaf]:
    verbs = getattr(command, "commands", None)
    if verbs is None:
        yield Leaf(path, command)
    for verb in verbs or ():
        yield from _below(f"{path} {verb}", verbs[verb])


def _leaves() -> Iterator[Leaf]:
    root: Any = typer.main.get_command(app)
    for name in TABLE:
        yield from _below(name, root.load(name))


LEAVES = {leaf.path: leaf for leaf in _leaves()}
# What has verbs, nouns inside nouns too: ``people`` and ``people role``.
NOUNS = sorted(
    {
        " ".join(leaf.words[:depth])
        for leaf in LEAVES.values()
        for depth in range(1, len(leaf.words))
    }
)

# An event of the library of ``stocked``.
EVENT = "01h5f2m8000000000000000000"

# A notification of the cloud ``demo``, signed as its service signs.
CLOUDINARY_KEY = "cloudinary://271828182845904:Pp_n0t-a-real-s3cret@demo"
CALLBACK = b'{"notification_type": "upload"}'
STAMP = str(int(time.time()))
SIGNED = [
    *("--timestamp", STAMP, "--signature"),
    hashlib.sha256(CALLBACK + STAMP.encode() + b"Pp_n0t-a-real-s3cret").hexdigest(),
]

# What each command is called with in the library of ``stocked``; a command that is not here has
# no tests and fails the suite.
ARGUMENTS: dict[str, list[str]] = {
    "init": ["elsewhere"],
    "demo": [],
    "upload": ["other.wav"],
    "process": [],
    "transcribe": ["talk", "--engine", "captions"],
    "index": ["talk"],
    "search": ["kingfisher", "--mode", "text"],
    "status": [],
    "videos add": ["https://example.org/new.mp4", "--title", "New"],
    "videos edit": ["clip", "--title", "Renamed"],
    "videos list": [],
    "videos show": ["clip"],
    "videos publish": ["clip"],
    "videos archive": ["clip"],
    "videos restore": ["old"],
    "videos rm": ["clip"],
    "podcasts add": ["https://example.org/new.mp3", "--title", "New"],
    "podcasts edit": ["talk", "--title", "Renamed"],
    "podcasts list": [],
    "podcasts show": ["talk"],
    "podcasts publish": ["talk"],
    "podcasts archive": ["talk"],
    "podcasts restore": ["gone"],
    "podcasts rm": ["talk"],
    "playlists add": ["New", "--items", "clip"],
    "playlists list": [],
    "playlists show": ["mix"],
    "playlists edit": ["mix", "--title", "Renamed"],
    "playlists archive": ["mix"],
    "playlists restore": ["shelf"],
    "playlists rm": ["mix"],
    "playlists items": ["mix"],
    "playlists add-item": ["blank", "clip"],
    "playlists rm-item": ["mix", "clip"],
    "playlists move": ["mix", "another", "--to", "1"],
    "playlists sort": ["mix", "--by", "title"],
    "courses add": ["New"],
    "courses list": [],
    "courses show": ["birds"],
    "courses edit": ["birds", "--level", "advanced"],
    "courses outline": ["birds"],
    "courses publish": ["birds"],
    "courses archive": ["birds"],
    "courses restore": ["shut"],
    "courses rm": ["birds"],
    "courses enrol": ["birds", "owner"],
    "courses unenrol": ["birds", "ana"],
    "courses report": ["birds"],
    "courses progress": ["birds", "--person", "ana"],
    "lessons add": ["New", "--course", "birds"],
    "lessons list": ["--course", "birds"],
    "lessons show": ["welcome"],
    "lessons edit": ["welcome", "--title", "Renamed"],
    "lessons move": ["welcome", "--to", "2"],
    "lessons publish": ["planned"],
    "lessons archive": ["welcome"],
    "lessons restore": ["away"],
    "lessons rm": ["welcome"],
    "people add": ["Nia"],
    "people list": [],
    "people show": ["ana"],
    "people edit": ["ana", "--name", "Renamed"],
    "people rm": ["ana"],
    "people restore": ["zoe"],
    "people role set": ["ana", "customer"],
    "people grant": ["ana", "clip"],
    "people revoke": ["ana", "talk"],
    "whoami": [],
    "groups members": [],
    "labels list": [],
    "labels add": ["must see", "clip"],
    "labels rm": ["kept", "talk"],
    "labels rename": ["kept", "treasured"],
    "labels merge": ["kept", "--into", "treasured"],
    "events list": ["--limit", "1000"],
    "events show": [EVENT],
    "events export": [],
    "events record": ["--action", "note_taken", "--target", "clip"],
    "progress set": ["clip", "--at", "0:30"],
    "progress watch": ["clip", "--range", "0:10-1:30"],
    "progress done": ["clip"],
    "progress show": [],
    "progress import": ["viewings.jsonl"],
    "progress export": [],
    "media list": ["talk"],
    "media probe": ["talk"],
    "media thumb": ["film.mp4"],
    "media sheet": ["film.mp4"],
    "media storyboard": ["film.mp4"],
    "media audio": ["talk"],
    "media peaks": ["talk", "--store"],
    "media preview": ["film.mp4"],
    "media move": ["talk", "--to", "shelf"],
    "analytics summary": [],
    "analytics video": ["talk"],
    "analytics creator": [],
    "analytics course": ["birds"],
    "analytics popular": [],
    "analytics retention": ["talk"],
    "analytics searches": [],
    "analytics export": [],
    "groups add": ["New"],
    "groups list": [],
    "groups tree": [],
    "groups show": ["default"],
    "groups edit": ["acme", "--name", "Renamed"],
    "groups move": ["acme/courses", "--top"],
    "groups archive": ["acme/courses"],
    "groups restore": ["closed"],
    "uploads list": [],
    "uploads resume": [],
    "uploads abort": ["--all", "--yes"],
    "uploads orphans": [],
    "cost show": [],
    "cost estimate": ["upload", "talk"],
    "cost cap": ["--month", "20"],
    "hosts list": [],
    "hosts check": ["folder"],
    "hosts verify": ["cloudinary", "callback.json", *SIGNED],
    "keys list": [],
    "keys set": ["openai", "--from-file", "openai.key", "--insecure-storage"],
    "keys rm": ["cloudinary"],
    "config show": [],
    "config get": ["search.limit"],
    "config set": ["search.limit", "5"],
    "config unset": ["search.limit"],
    "config trust": ["--remove"],
    "config path": [],
    "doctor": [],
    "backup": ["copy.db"],
    "completion": ["bash"],
}
# Commands that run without a library: they make one, are about settings and the machine, or about
# a file, as here.
OF_FILES = {"media thumb", "media sheet", "media storyboard", "media preview"}
WITHOUT_LIBRARY = {
    *("init", "demo", "completion", "doctor", "hosts check", "hosts verify"),
    *OF_FILES,
    *(path for path in LEAVES if path.startswith(("config ", "keys "))),
}
# The demo brings its own library and needs models; tests marked local call it.
QUICK = [path for path in LEAVES if path != "demo"]
# What tells of hosts on the network, of which there are none here.
REMOTE = ("uploads orphans",)
TELLING = [path for path in QUICK if path not in REMOTE]
# Reading commands that say something else the second time.
ONCE = ("hosts verify",)
READING = [path for path in QUICK if not LEAVES[path].writes]
WRITING = [path for path in QUICK if LEAVES[path].writes]

ENVELOPE = ["version", "command", "status", "exit_code", "data", "notes", "errors"]
ERROR = ["code", "message", "hint", "item", "exit_code"]
