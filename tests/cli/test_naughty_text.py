"""Titles that would like to be more than text, through every command that shows or takes one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness import Result, Runner, write_tone

from vidctl.cli.text import visible

# https://github.com/minimaxir/big-list-of-naughty-strings is the longer list; these are its kinds.
TITLES = {
    "markup": "[/b] [bold red]x[/] [link=http://evil]y[/link] :boom:",
    "colour": "\x1b[31mred\x1b[0m",
    "cursor": "\x1b[2J\x1b[1;1Hgone",
    "window title": "\x1b]0;owned\x07",
    "hyperlink": "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\",
    "paste": "\x1b[201~rm -rf ~\r",
    "device": "\x1bP$q\x1b\\ \x1b_x\x1b\\",
    "c0": "".join(map(chr, range(1, 32))) + "end",
    "c1": "".join(map(chr, range(127, 160))) + "\x9b31m",
    "bidi": "photo_\u202egnp.exe\u2066\u2069\u200f\u061c",
    "lines": "one\ntwo\rthree\u2028four\u2029five",
    "cjk": "語" * 100,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈" * 10,
    "zalgo": "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞",
    "spaces": "\u00a0\u2003a\u3000b\ufeff",
    "formula": '=HYPERLINK("http://evil";"x")',
    "quotes": "'; DROP TABLE things; --\"`$(id)`${HOME}",
    "format": "%s%n{0}{title}$1\\x1b",
    "path": "../../../etc/passwd",
    "option": "--json",
    "long": "x" * 2000,
    "home": "~nobody-at-all/x",
    "glob": "**x[",
}
SURROGATE = "caf\udce9"
QUIET_TERMINAL: dict[str, Any] = {"tty": True, "env": {"NO_COLOR": "1"}}
# CSV has no way to escape a character; only a terminal gets it without them.
WAYS: list[tuple[list[str], dict[str, Any]]] = [
    ([], {}),
    (["--json"], {}),
    (["--fields", "name,description,tags"], {}),
    ([], QUIET_TERMINAL),
    (["--csv"], QUIET_TERMINAL),
]


def is_clean(text: str) -> bool:
    """Tell whether a text can be shown to anyone: no control character but line breaks and tabs."""
    text = text.replace("\r\n", "\n")  # as CSV ends its lines
    return visible(text, lines=True) == text


def checked(result: Result, *codes: int) -> Result:
    """Check that a command ended as it may, and printed nothing that acts on a terminal."""
    assert result.code in (codes or (0,)), result
    assert is_clean(result.out), repr(result.out)
    assert is_clean(result.err), repr(result.err)
    return result


def everywhere(run: Runner, noun: str, ref: str) -> None:
    """Show an item by every command that shows one, in every format, on and off a terminal."""
    for format, how in WAYS:
        for verb in (["list"], ["show", ref]):
            checked(run(noun, *verb, *format, **how))
        checked(run("search", "canary", "--mode", "text", *format, **how), 0, 2)
    checked(run("status"))


@pytest.mark.parametrize("name", TITLES)
def test_a_naughty_title_is_only_text(run: Runner, library: Any, name: str) -> None:
    title = TITLES[name]
    flags = [f"--title={title}", f"--description=canary {title}", f"--tag={title[:200]}"]
    added = checked(run("videos", "add", *flags, "--json")).data
    assert added["name"] == title.strip()
    run.ok("index")
    everywhere(run, "videos", added["slug"])
    listed = run.ok("videos", "list", "--json").data["items"][0]
    assert listed["name"] == title.strip(), "what is stored is what was typed"
    (hit,) = run.ok("search", "canary", "--mode", "text", "--json").data["hits"]
    assert hit["thing"]["name"] == title.strip()
    edited = f"edited {title}"[:2000].strip()
    checked(run("videos", "edit", added["slug"], f"--title={edited}"))
    assert run.ok("videos", "show", added["slug"], "--json").data["name"] == edited
    for verb in ("publish", "archive", "restore"):
        checked(run("videos", verb, added["slug"]))
    checked(run("videos", "rm", added["slug"], "--purge", **QUIET_TERMINAL), 2)


@pytest.mark.parametrize("name", TITLES)
def test_a_naughty_group_is_only_text(run: Runner, library: Any, name: str) -> None:
    title = TITLES[name].replace("/", "-")[:200]
    result = checked(run("groups", "add", "--description", title, "--json", "--", title), 0, 2)
    if result.code:
        return  # a name of nothing but signs has no slug
    group = result.data
    assert group["name"] == title.strip()
    for how in ({}, QUIET_TERMINAL):
        for verb in (["list"], ["tree"], ["show", group["path"]], ["list", "--json"]):
            checked(run("groups", *verb, **how))
        checked(run("groups", "edit", group["path"], f"--name=x{title}", **how))
    checked(run("-g", group["path"], "videos", "list"))
    checked(run("groups", "archive", group["path"]))
    checked(run("-g", group["path"], "videos", "add", "--title", "late"), 9)


TAKING = [
    ("videos", "show", "{}"),
    ("videos", "list", "--text={}"),
    ("videos", "list", "--tag={}"),
    ("videos", "list", "--author={}"),
    ("videos", "list", "--page={}"),
    ("videos", "list", "--since={}"),
    ("videos", "list", "--fields={}"),
    ("videos", "list", "--sort={}"),
    ("videos", "add", "--title=x", "--duration={}"),
    ("videos", "add", "--title=x", "--video-url={}"),
    ("videos", "add", "--title=x", "--set={}"),
    ("videos", "add", "--title=x", "--set=key={}"),
    ("videos", "add", "--title=x", "--slug={}"),
    ("videos", "{}"),
    ("{}",),
    ("--{}",),
    ("-g", "{}", "videos", "list"),
    ("--db={}", "videos", "list"),
    ("--as={}", "videos", "add", "--title=x"),
    ("groups", "add", "x", "--type={}"),
    ("groups", "move", "default", "--to={}"),
    ("search", "--mode=text", "--", "{}"),
    ("search", "--mode={}", "x"),
    ("config", "get", "--", "{}"),
    ("config", "set", "--", "group", "{}"),
    ("config", "set", "search.limit", "--", "{}"),
    ("upload", "--", "{}"),
    ("transcribe", "--", "{}"),
    ("backup", "--dry-run", "--", "{}"),
    ("init", "--name={}", "elsewhere"),
    ("completion", "--", "{}"),
]


@pytest.mark.parametrize("command", TAKING, ids=" ".join)
def test_naughty_arguments_are_values_or_mistakes(
    run: Runner, library: Any, command: tuple[str, ...]
) -> None:
    """Never a crash (70), never a control character, whatever is typed where."""
    for text in (*TITLES.values(), SURROGATE, ""):
        result = run(*(word.replace("{}", text) for word in command), tty=False)
        checked(result, 0, 1, 2, 3, 6, 9, 10)
        if "--help" not in result.out and "json" not in text:
            everything = result.out + result.err
            assert "Traceback" not in everything


def test_bytes_that_are_no_text_are_refused_or_shown(run: Runner, library: Any) -> None:
    """An argument whose bytes are no UTF-8 arrives with lone surrogates."""
    refused = checked(run("videos", "add", "--title", SURROGATE), 2)
    assert "not valid UTF-8" in refused.err
    for flag in ("--description", "--tag", "--set", "--language"):
        value = f"k={SURROGATE}" if flag == "--set" else SURROGATE
        checked(run("videos", "add", "--title", "x", flag, value), 2)
    assert run.ok("videos", "list", "--status", "all").out == ""
    checked(run("groups", "add", SURROGATE), 2)
    checked(run("search", SURROGATE, "--mode", "text"), 0, 2)


@pytest.mark.parametrize(
    "name", ["[b]", "\x1b[31mred", "\u202egnp", "caf\udce9", "語" * 80, "a\nb", "-n"]
)
def test_a_naughty_file_name_is_only_a_name(run: Runner, library: Any, name: str) -> None:
    """The bytes of a name can be anything that the file system takes."""
    folder = run.folder / "in"
    folder.mkdir()
    write_tone(folder / f"{name}.wav", seconds=0.1)
    (folder / f"{name} 2.mp4").write_text("no film", encoding="utf-8")
    checked(run("upload", "in", "--dry-run"), 3)
    result = checked(run("upload", "in", "--json"), 3)
    envelope = json.loads(result.out)
    assert [item["new"] for item in envelope["data"]["items"]] == [True]
    (error,) = envelope["errors"]
    assert error["code"] == "invalid_media"
    everywhere(run, "podcasts", envelope["data"]["items"][0]["slug"])
    assert run.ok("doctor", "--json").data["problems"] == 0
