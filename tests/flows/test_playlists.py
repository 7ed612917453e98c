"""Playlists as people use them: what they say, what they refuse, and who may do what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness import Runner


@pytest.fixture
def shelf(run: Runner, library: Path) -> Runner:
    """A library with videos a to d of different lengths, an episode p, and the playlist mix."""
    for number, name in enumerate("badc"):
        run.ok("videos", "add", "--title", name, "--duration", str(60 * (number + 1)))
    run.ok("podcasts", "add", "--title", "p")
    run.ok("playlists", "add", "Mix", "--items", "a,b", "--items", "c")
    return run


def order(run: Runner, playlist: str = "mix", *more: str) -> str:
    """Return the slugs of what is in a playlist; the ordinals count up."""
    data = run.ok("playlists", "items", playlist, "--json", *more).data
    assert [item["ordinal"] for item in data["items"]] == [*range(1, len(data["items"]) + 1)]
    return "".join(item["slug"] for item in data["items"])


def events(run: Runner, playlist: str = "mix") -> list[tuple[str, dict[str, Any]]]:
    """Return what was logged about a playlist, newest first."""
    from vidctl.config import Config
    from vidctl.library import Library

    library = Library.open(Config(flags={"db": str(run.folder / ".vidctl/library.db")}))
    thing = library.resolve(playlist, ("playlist",))
    found = [
        (event.action or event.type, event.metadata) for event in library.store.events.of(thing.id)
    ]
    library.close()
    return found


def test_add_with_items_is_all_or_nothing(shelf: Runner) -> None:
    assert order(shelf) == "abc"
    for bad, code in (("p", 9), ("nope", 6)):
        result = shelf("playlists", "add", "Other", "--items", f"a,{bad}")
        assert (result.code, result.out) == (code, "")
    assert shelf.ok("playlists", "list", "--json").data["total"] == 1


def test_the_text_says_what_happened(shelf: Runner) -> None:
    assert shelf.ok("playlists", "add", "Two", "--items", "a,b").out == (
        "added playlist two with 2 items\n"
    )
    assert shelf.ok("playlists", "add", "None").out == "added playlist none\n"
    assert shelf.ok("playlists", "move", "mix", "c", "--to", "1").out == "moved c to 1\n"
    assert shelf.ok("playlists", "rm-item", "mix", "c").out == "c\ttaken out\n"
    assert shelf.ok("playlists", "add-item", "mix", "d", "--at", "1").out == "d\t1\td\n"


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ([], "abcd"),
        (["--at", "1"], "dabc"),
        (["--at", "3"], "abdc"),
        (["--at", "99"], "abcd"),
        (["--before", "b"], "adbc"),
        (["--after", "a"], "adbc"),
    ],
)
def test_add_item(shelf: Runner, place: list[str], expected: str) -> None:
    shelf.ok("playlists", "add-item", "mix", "d", *place)
    assert order(shelf) == expected


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (["--to", "1"], "cab"),
        (["--to", "2"], "acb"),
        (["--to", "9"], "abc"),
        (["--before", "b"], "acb"),
        (["--after", "a"], "acb"),
    ],
)
def test_move(shelf: Runner, place: list[str], expected: str) -> None:
    moved = shelf.ok("playlists", "move", "mix", "c", *place, "--json").data
    assert order(shelf) == expected
    assert moved["ordinal"] == expected.index("c") + 1


REFUSED: list[tuple[list[str], int, str]] = [
    (["move", "mix", "c"], 2, "no place was given"),
    (["move", "mix", "c", "--to", "0"], 2, "places count from 1"),
    (["move", "mix", "c", "--to", "-1"], 2, "places count from 1"),
    (["move", "mix", "c", "--to", "1", "--before", "a"], 2, "a place is one of"),
    (["move", "mix", "c", "--before", "c"], 2, "itself"),
    (["move", "mix", "c", "--before", "d"], 6, "d is not in mix"),
    (["move", "mix", "c", "--before", ""], 6, "no video here is called ''"),
    (["move", "mix", "d", "--to", "1"], 6, "d is not in mix"),
    (["move", "mix", "nope", "--to", "1"], 6, "no video here is called 'nope'"),
    (["move", "nope", "a", "--to", "1"], 6, "no playlist here is called 'nope'"),
    (["add-item", "mix", "d", "--at", "0"], 2, "places count from 1"),
    (["add-item", "mix", "d", "--at", "1", "--after", "a"], 2, "a place is one of"),
    (["add-item", "mix", "d", "--after", "d"], 6, "d is not in mix"),
    (["add-item", "mix", "p"], 9, "p is a podcast; mix takes videos"),
    (["add-item", "mix", "mix"], 6, "no video here is called 'mix'"),
    (["rm-item", "mix", "d"], 6, "d is not in mix"),
    (["sort", "mix", "--by", "size"], 2, "Invalid value"),
    (["sort", "mix"], 2, "Missing option"),
    (["edit", "mix"], 2, "nothing to change was given"),
    (["edit", "mix", "--type", "podcast"], 9, "mix holds videos"),
    (["edit", "mix", "--title", " "], 2, "cannot be empty"),
    (["edit", "mix", "--slug", "a"], 9, "already called 'a'"),
    (["add", " "], 2, "cannot be empty"),
    (["add", "New", "--slug", "mix"], 9, "already called 'mix'"),
    (["add", "New", "--thumbnail", "no url"], 2, "thumbnail"),
    (["items", "mix", "--page", "x"], 2, "no page"),
    (["list", "--author", "nobody"], 6, "no person here"),
    (["show", "a"], 6, "no playlist here is called 'a'"),
]


@pytest.mark.parametrize(("words", "code", "said"), REFUSED)
def test_what_is_refused_changes_nothing(
    shelf: Runner, words: list[str], code: int, said: str
) -> None:
    before = shelf.ok("playlists", "list", "--json").out, order(shelf), events(shelf)
    result = shelf("playlists", *words)
    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert (shelf.ok("playlists", "list", "--json").out, order(shelf), events(shelf)) == before


def test_items_that_cannot_go_in_are_errors_and_the_rest_goes_in(shelf: Runner) -> None:
    result = shelf("playlists", "add-item", "mix", "p", "d", "nope", "a", "--at", "1", "--json")
    assert result.code == 3
    envelope = result.envelope
    assert [(each["item"], each["code"]) for each in envelope["errors"]] == [
        ("p", "conflict"),
        ("nope", "not_found"),
    ]
    assert [(item["slug"], item["ordinal"]) for item in envelope["data"]["items"]] == [
        ("d", 1),
        ("a", 2),
    ]
    assert envelope["notes"] == ["a is in mix already"]
    assert order(shelf) == "dabc"
    result = shelf("playlists", "rm-item", "mix", "nope", "d", "--json")
    assert result.code == 3
    assert order(shelf) == "abc"


def test_archived_items_are_not_shown_and_cannot_go_in(shelf: Runner) -> None:
    shelf.ok("videos", "archive", "b", "d")
    assert order(shelf) == "ac"
    result = shelf("playlists", "add-item", "mix", "d")
    assert (result.code, result.err) == (
        9,
        "error: d is archived\nhint: vidctl videos restore d\n",
    )
    shelf.ok("videos", "restore", "b")
    assert order(shelf) == "abc"
    shelf.ok("videos", "rm", "b", "--purge", "-y")
    assert order(shelf) == "ac"


def test_types(shelf: Runner) -> None:
    shelf.ok("playlists", "add", "Casts", "--type", "podcast", "--items", "p")
    assert shelf("playlists", "add-item", "casts", "a").code == 9
    shelf.ok("podcasts", "archive", "p")
    assert shelf("playlists", "edit", "casts", "--type", "video").code == 9, "p may come back"
    shelf.ok("playlists", "rm-item", "casts", "p")
    shelf.ok("playlists", "edit", "casts", "--type", "video")
    shelf.ok("playlists", "add-item", "casts", "a")
    listed = shelf.ok("playlists", "list", "--type", "video", "--json").data
    assert [row["slug"] for row in listed["items"]] == ["casts", "mix"]
    assert shelf.ok("playlists", "list", "--type", "podcast", "--json").data["items"] == []


def test_sort(shelf: Runner) -> None:
    shelf.ok("playlists", "add-item", "mix", "d")
    sort = ("playlists", "sort", "mix", "--by")
    shelf.ok(*sort, "duration")
    assert order(shelf) == "badc"
    shelf.ok(*sort, "title", "--desc")
    assert order(shelf) == "dcba"
    assert shelf.ok(*sort, "title", "--desc").err == "mix is in that order already\n"
    shelf.ok("videos", "publish", "c", "--date", "2001-01-01")
    shelf.ok(*sort, "date")
    assert order(shelf)[0] == "c"


def test_every_change_is_logged_once_and_nothing_else(shelf: Runner) -> None:
    run = shelf
    begun = len(events(run))
    for words, action in (
        (["add-item", "mix", "d", "--at", "2"], "items_added"),
        (["move", "mix", "d", "--to", "1"], "item_moved"),
        (["sort", "mix", "--by", "title"], "items_sorted"),
        (["rm-item", "mix", "d"], "items_removed"),
        (["edit", "mix", "--tag", "x"], "entity_updated"),
        (["archive", "mix"], "entity_archived"),
        (["restore", "mix"], "entity_restored"),
    ):
        run.ok("playlists", *words, "-n")
        assert len(events(run)) == begun, words
        run.ok("playlists", *words)
        begun += 1
        assert len(events(run)) == begun
        assert events(run)[0][0] == action
    for words in (
        ["add-item", "mix", "a"],
        ["move", "mix", "a", "--to", "1"],
        ["sort", "mix", "--by", "title"],
        ["edit", "mix", "--tag", "x"],
        ["restore", "mix"],
    ):
        run.ok("playlists", *words)
        assert len(events(run)) == begun, words


def test_archive_restore_and_purge(shelf: Runner) -> None:
    shelf.ok("playlists", "rm", "mix")
    assert shelf.ok("playlists", "list", "--json").data["items"] == []
    assert shelf.ok("playlists", "list", "--status", "archived", "--json").data["total"] == 1
    shelf.ok("playlists", "restore", "mix")
    assert shelf.ok("playlists", "show", "mix", "--json").data["status"] == "active"
    assert shelf("playlists", "rm", "mix", "--purge", "--no-input").code == 2
    shelf.ok("playlists", "rm", "mix", "--purge", "-n")
    assert order(shelf) == "abc"
    shelf.ok("playlists", "rm", "mix", "--purge", "-y")
    assert shelf("playlists", "show", "mix").code == 6
    assert shelf.ok("videos", "list", "--json").data["total"] == 4


def test_show(shelf: Runner) -> None:
    for number in range(12):
        shelf.ok("videos", "add", "--title", f"Part {number}")
    shelf.ok("playlists", "add-item", "mix", *(f"part-{number}" for number in range(12)))
    shelf.ok("playlists", "edit", "mix", "--description", "About [/b]", "--tag", "one,two")
    data = shelf.ok("playlists", "show", "mix", "--json").data
    assert data["properties"] == {
        "playlistType": "video",
        "description": "About [/b]",
        "tags": ["one", "two"],
        "itemCount": 15,
        "totalDuration": 60 + 120 + 240,
    }
    assert [item["ordinal"] for item in data["firstItems"]] == [*range(1, 11)]
    assert data["authors"][0]["slug"] == "owner"
    text = shelf.ok("playlists", "show", "mix").out
    assert "      5 more: vidctl playlists items mix\n" in text
    shelf.ok("playlists", "edit", "mix", "--description", "", "--tag", "")
    kept = shelf.ok("playlists", "show", "mix", "--json").data["properties"]
    assert kept.keys() == {"playlistType", "itemCount", "totalDuration"}


def test_pages(shelf: Runner) -> None:
    first = shelf.ok("playlists", "items", "mix", "--limit", "2", "--json").data
    rest = shelf.ok("playlists", "items", "mix", "--page", first["next"], "--json").data
    assert [item["slug"] for item in rest["items"]] == ["c"]
    assert (rest["total"], rest["next"], rest["items"][0]["ordinal"]) == (3, None, 3)
    shelf.ok("playlists", "add", "Other", "--items", "a,b")
    assert shelf("playlists", "items", "other", "--page", first["next"]).code == 2


# --- who may do what ----------------------------------------------------------------------------

CHANGES = (
    ["edit", "mix", "--tag", "x"],
    ["add-item", "mix", "d"],
    ["rm-item", "mix", "a"],
    ["move", "mix", "a", "--to", "2"],
    ["sort", "mix", "--by", "title", "--desc"],
    ["archive", "mix"],
)


@pytest.fixture
def people(shelf: Runner) -> Runner:
    """Also an org_user ``uma``, a creator ``cleo`` and a customer ``carl``."""
    shelf.ok("people", "add", "Uma", "--role", "org_user")
    shelf.ok("people", "add", "Cleo", "--type", "creator", "--role", "org_user")
    shelf.ok("people", "add", "Carl", "--role", "customer")
    return shelf


def test_a_customer_sees_what_is_published_of_what_they_bought(people: Runner) -> None:
    carl = ("--as", "carl")
    assert people.ok("playlists", "list", "--json", *carl).data["items"] == []
    for words in (["show", "mix"], ["items", "mix"], *CHANGES):
        assert people("playlists", *words, *carl).code == 6, words
    people.ok("people", "grant", "carl", "mix")
    assert order(people, "mix", *carl) == ""
    people.ok("videos", "publish", "b", "c", "d")
    assert order(people, "mix", *carl) == "bc"
    seen = people.ok("playlists", "show", "mix", "--json", *carl).data
    assert seen["properties"]["itemCount"] == 2
    assert [item["slug"] for item in seen["firstItems"]] == ["b", "c"]
    people.ok("playlists", "archive", "mix")
    assert people("playlists", "show", "mix", *carl).code == 6
    people.ok("playlists", "restore", "mix")
    for words in CHANGES:
        if words != CHANGES[1] and words[2:3] != ["a"]:
            assert people("playlists", *words, *carl).code == 4, words
    assert people("playlists", "add", "Mine", *carl).code == 4


def test_an_org_user_sees_all_and_changes_nothing(people: Runner) -> None:
    uma = ("--as", "uma")
    assert order(people, "mix", *uma) == "abc"
    for words in (*CHANGES, ["rm", "mix", "--purge", "-y"], ["add", "Mine"]):
        assert people("playlists", *words, *uma).code == 4, words
    assert order(people) == "abc"


def test_whoever_made_a_playlist_may_change_it(people: Runner) -> None:
    cleo = ("--as", "cleo")
    people.ok("playlists", "add", "Hers", "--items", "a", *cleo)
    people.ok("playlists", "add-item", "hers", "b", "--at", "1", *cleo)
    people.ok("playlists", "move", "hers", "b", "--to", "2", *cleo)
    assert order(people, "hers") == "ab"
    assert people("playlists", "add-item", "mix", "d", *cleo).code == 4
    assert people("playlists", "rm", "hers", "--purge", "-y", *cleo).code == 4
    listed = people.ok("playlists", "list", "--author", "cleo", "--json").data["items"]
    assert [row["slug"] for row in listed] == ["hers"]
    mine = people.ok("playlists", "list", "--author", "me", "--json", *cleo).data["items"]
    assert mine == listed


def test_groups_are_apart(shelf: Runner) -> None:
    shelf.ok("groups", "add", "other")
    other = ("-g", "other")
    shelf.ok("videos", "add", "--title", "Foreign", *other)
    shelf.ok("playlists", "add", "Theirs", "--items", "foreign", *other)
    for words in (["show", "theirs"], ["items", "theirs"], ["add-item", "theirs", "a"]):
        assert shelf("playlists", *words).code == 6
    assert shelf("playlists", "add-item", "mix", "foreign").code == 6
    shelf.ok("groups", "archive", "other")
    assert shelf("playlists", "move", "theirs", "foreign", "--to", "1", *other).code == 9
    assert order(shelf, "theirs", *other) == "foreign"


def test_a_wide_scope_does_not_mix_groups(shelf: Runner) -> None:
    home = shelf.ok("groups", "list", "--json").data["items"][0]["path"]
    below = f"{home}/below"
    shelf.ok("groups", "add", below)
    shelf.ok("videos", "add", "--title", "Deep", "-g", below)
    result = shelf("playlists", "add-item", "mix", "deep", "-r")
    assert (result.code, result.out) == (9, "")
    assert "belongs to another group" in result.err
