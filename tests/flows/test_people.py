"""People through the command line: what each of them sees, does, and leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Result, Runner

from vidctl.config import Config
from vidctl.ids import new_id
from vidctl.library import Library, now
from vidctl.model.connection import Connection
from vidctl.model.thing import Thing

Open = Callable[..., Library]


@pytest.fixture(autouse=True)
def _without_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDCTL_EMBED_ENGINE", "none")


@pytest.fixture
def opened(library: Path, run: Runner) -> Open:
    """Open the library as a front end in Python would."""

    def open_as(person: str = "", group: str = "default") -> Library:
        flags: dict[str, Any] = {"db": str(library), "group": group}
        if person:
            flags["person"] = person
        return Library.open(Config(start=run.folder, environ={}, flags=flags))

    return open_as


@pytest.fixture
def people(run: Runner, library: Path) -> None:
    """Somebody of every standing."""
    for name, role in (("Olga", "org_owner"), ("Ursula", "org_user"), ("Carl", "customer")):
        run.ok("people", "add", name, "--role", role)
    run.ok("people", "add", "Cleo", "--type", "creator")


def bundle(opened: Open, type: str, slug: str, *members: str) -> None:
    """Add a playlist or course that contains things."""
    library = opened()
    status = "active" if type == "playlist" else "published"
    made = Thing(new_id(), library.home, type, slug, slug, status, now(), now(), {})
    library.store.things.add(made)
    for member in members:
        inner = library.store.things.resolve(member)
        library.store.connections.add(
            Connection(new_id(), library.home, made.id, inner.id, "contains", 1.0)
        )
    library.close()


def slugs(result: Result) -> list[str]:
    return sorted(item["slug"] for item in result.data["items"])


# --- what a customer sees -----------------------------------------------------------------------


@pytest.mark.usefixtures("people")
def test_a_customer_reaches_items_through_what_they_bought(run: Runner, opened: Open) -> None:
    for name in ("One", "Two", "Draft"):
        run.ok("videos", "add", "--title", name, *([] if name == "Draft" else ["--publish"]))
    bundle(opened, "playlist", "list", "one", "draft")
    bundle(opened, "course", "course", "list")
    as_carl = ("--as", "carl", "--json")
    assert slugs(run.ok("videos", "list", *as_carl)) == []
    run.ok("people", "grant", "carl", "course")
    assert slugs(run.ok("videos", "list", "--status", "all", *as_carl)) == ["one"]
    assert run.ok("videos", "show", "one", *as_carl).data["authors"][0]["slug"] == "owner"
    assert run("videos", "show", "draft", *as_carl).code == 6
    assert run("videos", "edit", "one", "--title", "Mine", *as_carl).code == 4
    run.ok("videos", "publish", "draft")
    assert slugs(run.ok("videos", "list", *as_carl)) == ["draft", "one"]
    run.ok("people", "revoke", "carl", "course")
    assert slugs(run.ok("videos", "list", *as_carl)) == []


@pytest.mark.usefixtures("people", "tone")
def test_a_customer_finds_only_what_they_bought(run: Runner) -> None:
    run.ok("upload", "talk.wav", "--process", "--publish")
    found = ["search", "kingfisher", "--mode", "text"]
    assert "talk@" in run.ok(*found, "--as", "ursula").out
    assert run.ok(*found, "--as", "carl").out == ""
    assert run(*found, "--as", "carl") == run("search", "albatross", "--mode", "text")
    run.ok("people", "grant", "carl", "talk")
    assert "talk@" in run.ok(*found, "--as", "carl").out


@pytest.mark.usefixtures("people")
def test_errors_tell_a_customer_nothing(run: Runner, opened: Open) -> None:
    """Neither candidates of an ambiguous reference nor other people nor groups."""
    for name in ("One", "Two"):
        run.ok("videos", "add", "dQw4w9WgXcQ", "--title", name, "--publish")
    run.ok("groups", "add", "secret")
    run.ok("groups", "add", "default/secret")
    as_carl = ("--as", "carl")
    assert run("videos", "show", "yt:dQw4w9WgXcQ").code == 9
    assert run("videos", "show", "yt:dQw4w9WgXcQ", *as_carl).code == 6
    run.ok("people", "grant", "carl", "two")
    assert "two" in run.ok("videos", "show", "yt:dQw4w9WgXcQ", *as_carl).out
    for command in (["people", "show"], ["videos", "list", "--author"]):
        assert "several" in run(*command, people_prefix(opened)).err
        hidden = run(*command, people_prefix(opened), *as_carl)
        assert (hidden.code, hidden.err.count("several")) == (0, 0), "the customer alone fits"
    refused = run("groups", "show", "secret", *as_carl)
    assert (refused.code, "default" in refused.err) == (6, False)


def people_prefix(opened: Open) -> str:
    """The beginning that the ids of all people added here share."""
    library = opened()
    ids = [library.store.people.resolve(name).id for name in ("olga", "ursula")]
    library.close()
    return ids[0][:6]


def test_which_groups_there_are_is_not_told_to_everybody(run: Runner, library: Path) -> None:
    run.ok("groups", "add", "one")
    run.ok("groups", "add", "one/same")
    run.ok("groups", "add", "two")
    run.ok("groups", "add", "two/same")
    assert "one/same, two/same" in run("-g", "same", "videos", "list").err
    told = run("-g", "same", "videos", "list", "--as", "carl").err
    assert told == "error: 'same' fits several groups\nhint: use the path\n"


# --- acting -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("people")
def test_what_somebody_adds_is_theirs(run: Runner) -> None:
    run.ok("videos", "add", "--title", "Hers", "--as", "cleo")
    run.ok("videos", "add", "--title", "Ours")
    shown = run.ok("videos", "show", "hers", "--json").data
    assert [author["slug"] for author in shown["authors"]] == ["cleo"]
    run.ok("videos", "edit", "hers", "--title", "New", "--as", "cleo")
    assert run("videos", "edit", "ours", "--title", "New", "--as", "cleo").code == 4
    run.ok("videos", "edit", "hers", "--title", "Newer", "--as", "olga")
    assert slugs(run.ok("videos", "list", "--author", "me", "--as", "cleo", "--json")) == ["hers"]
    assert run.ok("people", "show", "cleo", "--json").data["authored"] == 1


@pytest.mark.usefixtures("people", "tone")
def test_bytes_that_are_here_stay_somebody_elses(run: Runner) -> None:
    """A creator who uploads them again gets no hold on the item, nor works on it."""
    run.ok("upload", "talk.wav")
    again = run.ok("upload", "talk.wav", "--process", "--as", "cleo", "--json").data
    assert [item["new"] for item in again["items"]] == [False]
    assert run.ok("podcasts", "show", "talk", "--json").data["segments"] == 0
    assert run("process", "talk", "--as", "cleo").code == 4
    run.ok("process", "--as", "cleo")
    assert run.ok("podcasts", "show", "talk", "--json").data["segments"] == 0
    run.ok("upload", "talk.wav", "--process", "--as", "olga")
    assert run.ok("podcasts", "show", "talk", "--json").data["segments"] == 2


def test_roles_differ_from_group_to_group(run: Runner, library: Path) -> None:
    """A customer above who owns a group below: with -r each item goes by its own group."""
    run.ok("groups", "add", "default/lab")
    run.ok("people", "add", "Lea", "--role", "customer")
    run.ok("people", "role", "set", "lea", "org_owner", "-g", "lab")
    run.ok("videos", "add", "--title", "Above", "--publish")
    run.ok("videos", "add", "--title", "Below", "-g", "lab")
    as_lea = ("--as", "lea", "-r")
    assert slugs(run.ok("videos", "list", *as_lea, "--json")) == ["below"]
    run.ok("videos", "edit", "below", "--title", "New", *as_lea)
    assert run("videos", "show", "above", *as_lea).code == 6
    run.ok("people", "grant", "lea", "above")
    assert slugs(run.ok("videos", "list", *as_lea, "--json")) == ["above", "below"]
    assert run("videos", "edit", "above", "--title", "New", *as_lea).code == 4
    run.ok("groups", "edit", "lab", "--name", "Lab", "-g", "lab", "--as", "lea")
    assert run("groups", "edit", "default", "--name", "x", *as_lea).code == 4
    who = run.ok("whoami", *as_lea, "--json").data
    assert [(group["path"], group["standing"]) for group in who["groups"]] == [
        ("default", "customer"),
        ("default/lab", "org_owner"),
    ]


def test_somebody_of_another_group_is_nobody_here(run: Runner, library: Path) -> None:
    run.ok("groups", "add", "rival")
    run.ok("people", "add", "Rita", "--role", "org_owner", "-g", "rival")
    assert run("videos", "list", "--as", "rita").err == run(
        "videos", "list", "--as", "nobody"
    ).err.replace("nobody", "rita")


@pytest.mark.usefixtures("people")
def test_only_who_owns_all_of_it_copies_the_file(run: Runner) -> None:
    run.ok("backup", "one.db", "--as", "olga")
    assert run("backup", "two.db", "--as", "cleo").code == 4
    run.ok("groups", "add", "rival")
    assert run("backup", "three.db", "--as", "olga").code == 4
    run.ok("backup", "four.db")


@pytest.mark.usefixtures("people")
def test_an_archived_person_is_shut_out(run: Runner) -> None:
    run.ok("people", "rm", "olga")
    for command in (["videos", "list"], ["whoami"], ["people", "restore", "olga"]):
        result = run(*command, "--as", "olga")
        assert (result.code, result.out) == (4, "")
    assert "olga" not in slugs(run.ok("people", "list", "--json"))
    assert slugs(run.ok("people", "list", "--status", "archived", "--json")) == ["olga"]
    run.ok("people", "restore", "olga")
    run.ok("people", "add", "New", "--as", "olga")


# --- the local owner ----------------------------------------------------------------------------


def test_asking_who_acts_makes_nobody(run: Runner, library: Path) -> None:
    said = run.ok("whoami", "--json").data
    assert (said["slug"], said["ownsLibrary"], said["standing"]) == ("owner", True, "org_owner")
    assert run.ok("people", "show", "me", "--json").data["id"] == said["id"]
    assert run.ok("videos", "list", "--author", "me", "--json").data["total"] == 0
    assert run.ok("people", "list", "--json").data["total"] == 0
    assert run.ok("groups", "members", "--json").data["total"] == 0
    run.ok("videos", "add", "--title", "x")
    assert run.ok("whoami", "--json").data == said
    (owner,) = run.ok("groups", "members", "--json").data["items"]
    assert (owner["id"], owner["role"], owner["inherited"]) == (said["id"], "org_owner", False)
    assert slugs(run.ok("people", "list", "--role", "org_owner", "--json")) == ["owner"]
    assert run.ok("people", "list", "--role", "customer", "--json").data["total"] == 0


@pytest.mark.usefixtures("people")
def test_trust_is_told_only_where_it_is_used(run: Runner) -> None:
    assert run.ok("whoami").err == ""
    assert "not authentication" in run.ok("whoami", "--as", "carl").err
    assert "not authentication" in run.ok("whoami", env={"VIDCTL_AS": "carl"}).err
    assert run.ok("whoami", "--as", "carl", "--json").envelope["notes"]


# --- editing, members, purging ------------------------------------------------------------------


@pytest.mark.usefixtures("people")
def test_people_edit_themselves_and_nobody_else(run: Runner) -> None:
    run.ok("people", "edit", "me", "--bio", "Hello", "--as", "carl")
    assert run("people", "edit", "me", "--slug", "charles", "--as", "carl").code == 4
    run.ok("people", "edit", "carl", "--slug", "charles")
    shown = run.ok("people", "show", "me", "--as", "charles", "--json").data
    assert (shown["name"], shown["properties"]) == ("Carl", {"bio": "Hello"})
    assert run("people", "edit", "ursula", "--bio", "x", "--as", "cleo").code == 4
    assert run("people", "edit", "ursula", "--bio", "x", "--as", "charles").code == 6
    assert run("people", "role", "set", "me", "org_owner", "--as", "charles").code == 4
    assert run("people", "edit", "charles", "--slug", "ursula").code == 9
    assert run("people", "edit", "charles", "--email", "x").code == 2
    assert run.ok("people", "edit", "charles", "--bio", "", "--json").data["properties"] == {}


@pytest.mark.usefixtures("people")
def test_members_have_their_strongest_role_and_where_it_is_from(run: Runner) -> None:
    run.ok("groups", "add", "default/lab")
    run.ok("people", "role", "set", "carl", "org_user", "-g", "lab")
    run.ok("people", "role", "set", "olga", "customer", "-g", "lab")
    rows = run.ok("groups", "members", "lab", "--json").data["items"]
    assert sorted(
        (row["slug"], row["role"], row["roleGroup"], row["inherited"]) for row in rows
    ) == [
        ("carl", "org_user", "default/lab", False),
        ("cleo", "org_user", "default", True),
        ("olga", "org_owner", "default", True),
        ("owner", "org_owner", "default/lab", False),
        ("ursula", "org_user", "default", True),
    ]


@pytest.mark.usefixtures("people")
def test_several_at_once_one_failure_one_error(run: Runner) -> None:
    result = run("people", "rm", "carl", "owner", "nobody", "ursula", "--json")
    assert result.code == 3
    assert slugs_of(result) == ["carl", "ursula"]
    assert [(e["item"], e["exit_code"]) for e in result.envelope["errors"]] == [
        ("nobody", 6),
        ("owner", 9),
    ]


def slugs_of(result: Result) -> list[str]:
    return [item["slug"] for item in result.envelope["data"]["items"]]


@pytest.mark.usefixtures("people")
def test_a_purge_asks_and_forgets(run: Runner) -> None:
    run.ok("people", "edit", "carl", "--email", "carl@example.org", "--bio", "Quokka keeper")
    assert run("people", "rm", "carl", "--purge", "--no-input").code == 2
    assert run("people", "rm", "carl", "--purge", tty=True, stdin="n\n").code == 2
    run.ok("people", "rm", "carl", "--purge", "-n", "-y")
    run.ok("people", "show", "carl")
    run.ok("people", "rm", "carl", "--purge", tty=True, stdin="y\n")
    assert run("people", "show", "carl").code == 6
    assert run("videos", "list", "--as", "carl").code == 6
    assert "carl" not in slugs(run.ok("people", "list", "--status", "all", "--json"))
    run.ok("people", "add", "Carl")


def test_pages_of_people_do_not_slip(run: Runner, opened: Open) -> None:
    library = opened()
    with library.store.transaction():
        for number in range(45):
            role = "customer" if number % 3 else "org_user"
            library.people.add(f"Person {number:02}", {}, role=role)
    library.close()
    found: list[str] = []
    page: list[str] = []
    while True:
        data = run.ok("people", "list", "--role", "customer", *page, "--json").data
        assert data["total"] == 30
        found += [item["slug"] for item in data["items"]]
        if data["next"] is None:
            break
        page = ["--page", data["next"]]
    assert found == sorted(f"person-{number:02}" for number in range(45) if number % 3)


def test_the_same_in_python(opened: Open, library: Path) -> None:
    own = opened()
    ana = own.people.add("Ana", {"email": "ana@example.org"}, role="customer").data
    own.videos.add("Talk", {}, publish=True)
    assert own.people.grant("ana", ["talk"]).data["items"][0]["changed"]
    assert not own.people.grant("ana", ["talk"]).data["items"][0]["changed"]
    seen = opened(person="ana")
    assert seen.people.whoami().data["id"] == ana["id"]
    assert seen.videos.show("talk").data["slug"] == "talk"
    assert own.people.set_role("ana", "org_user").data["role"] == "org_user"
    assert [row["slug"] for row in own.people.members().data["items"]] == ["ana", "owner"]
    own.people.archive(["ana"])
    own.people.restore(["ana"])
    assert own.people.purge(["ana"]).data["items"][0]["purged"]
    seen.close()
    own.close()


def test_an_archived_group_keeps_its_people(run: Runner, library: Path) -> None:
    run.ok("groups", "add", "closed")
    run.ok("people", "add", "Ana", "-g", "closed")
    run.ok("groups", "archive", "closed")
    for words in (["add", "Ben"], ["edit", "ana", "--bio", "x"], ["rm", "ana"]):
        assert run("people", *words, "-g", "closed").code == 9
    assert run("people", "role", "set", "ana", "customer", "-g", "closed").code == 9
    run.ok("people", "show", "ana", "-g", "closed")
