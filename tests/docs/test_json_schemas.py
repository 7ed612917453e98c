"""The published JSON Schemas describe what the commands really print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from doc_pages import REFERENCE, ROOT
from harness import Result, Runner
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

SCHEMAS = {
    file.name: json.loads(file.read_text("utf-8"))
    for file in sorted((REFERENCE / "schemas").glob("*.json"))
}
REGISTRY: Any = Registry().with_resources(
    [(name, Resource.from_contents(schema)) for name, schema in SCHEMAS.items()]
)
WORDS = {"VIDCTL_EMBED_ENGINE": "none"}
CLIP = ROOT / "vidctl" / "data" / "demo" / "ask-not.mp4"


def check(value: Any, schema: str) -> None:
    """Fail with every way in which a value differs from a schema."""
    validator = Draft202012Validator(SCHEMAS[schema], registry=REGISTRY)
    differences = [f"{e.json_path}: {e.message}" for e in validator.iter_errors(value)]
    assert differences == []


def checked(result: Result, code: int = 0) -> Any:
    """Return the data of an envelope that is as its schema says."""
    assert result.code == code, result
    check(result.envelope, "envelope.json")
    assert result.envelope["exit_code"] == code
    return result.envelope["data"]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"] == name


@pytest.fixture
def uploaded(run: Runner, library: Path, tone: Path) -> Any:
    """The data of an upload of one file with captions, which is searchable by words."""
    return checked(run("upload", tone, "--process", "--tags", "a,b", "--json", env=WORDS))


def test_upload(uploaded: Any) -> None:
    check(uploaded, "things.json")
    assert [item["new"] for item in uploaded["items"]] == [True]


@pytest.mark.usefixtures("uploaded")
def test_listings(run: Runner) -> None:
    run.ok("videos", "add", "https://youtu.be/dQw4w9WgXcQ", "--title", "A", "--publish")
    run.ok("videos", "add", "https://example.org/b.mp4", "--title", "B")
    first = checked(run("videos", "list", "--limit", "1", "--json"))
    check(first, "things.json")
    assert (len(first["items"]), first["total"]) == (1, 2)
    second = checked(run("videos", "list", "--limit", "1", "--page", first["next"], "--json"))
    check(second, "things.json")
    assert second["next"] is None
    for command in (["podcasts", "list"], ["groups", "list"], ["config", "show"], ["doctor"]):
        check(checked(run(*command, "--json")), "listing.json")


def test_show(run: Runner, uploaded: Any) -> None:
    shown = checked(run("podcasts", "show", uploaded["items"][0]["id"], "--json"))
    check(shown, "thing.json")
    assert shown["properties"]["transcript"].endswith("Ask for a kingfisher and it comes.")


@pytest.mark.usefixtures("uploaded")
@pytest.mark.parametrize("more", [[], ["--context", "1", "--explain"]], ids=["plain", "all"])
def test_search_by_words(run: Runner, more: list[str]) -> None:
    data = checked(run("search", "kingfisher", "--mode", "text", "--json", *more))
    check(data, "search.json")
    assert data["mode"] == "text"
    assert data["hits"][0]["ref"] == "talk@00:01"


@pytest.mark.usefixtures("library")
def test_failures(run: Runner) -> None:
    assert checked(run("videos", "show", "nothing", "--json"), 6) is None
    assert checked(run("videos", "list", "--limit", "0", "--json"), 2) is None
    data = checked(run("upload", "nothing.mp4", "--json"), 3)
    check(data, "things.json")


def test_failure_without_a_library(run: Runner) -> None:
    assert checked(run("status", "--json"), 10) is None


def test_failure_by_a_bug(run: Runner, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("vidctl.overview.status", broken)
    result = run("status", "--json")
    assert checked(result, 70) is None
    assert [error["code"] for error in result.envelope["errors"]] == ["bug"]
    assert [error["exit_code"] for error in result.envelope["errors"]] == [70]


@pytest.mark.local
def test_speech_and_meaning(run: Runner, library: Path) -> None:
    uploaded = checked(run("upload", CLIP, "--process", "--json"))
    check(uploaded, "things.json")
    data = checked(run("search", "what you can do for your country", "--json", "--explain"))
    check(data, "search.json")
    assert data["mode"] == "hybrid"
    assert data["hits"][0]["thing"]["id"] == uploaded["items"][0]["id"]
