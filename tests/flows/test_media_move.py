"""Media that move from host to host: nothing is lost or sent twice, and nothing else changes."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flow_samples import captioned, tone
from harness import Result, Runner, Spawner, files_below
from media_samples import flat, make_video
from servers.cloudinary import CloudinaryServer
from servers.s3 import KEY, running_s3

from vidctl import failpoints
from vidctl.config import Config
from vidctl.formats.storyboard import readdressed
from vidctl.hosts.folder import FolderHost
from vidctl.library import Library

pytestmark = pytest.mark.usefixtures("stock")


@pytest.fixture
def stock(run: Runner, library: Path) -> None:
    """A film with everything that is made of one, and a second folder called shelf."""
    make_video(run.folder / "film.mp4", 4)
    run.ok("upload", "film.mp4")
    run.ok("media", "sheet", "film", "--columns", "2", "--rows", "2")
    run.ok("media", "storyboard", "film", "--every", "1", "--tiles", "1x2")
    run.ok("media", "audio", "film")
    run.ok("config", "set", "hosts.shelf.kind", "folder")
    run.ok("config", "set", "hosts.shelf.path", "shelf")


ROLES = ["source", "thumbnail", "sheet", "storyboard", "storyboard", "storyboard_cues", "audio"]


def rows(run: Runner, item: str = "film") -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = run.ok("media", "list", item, "--json").data["items"]
    return listed


def live(run: Runner, item: str = "film") -> list[dict[str, Any]]:
    """The rows that an item works with; copies and former versions are left out."""
    return [row for row in rows(run, item) if row["role"] not in ("copy", "version")]


def held(run: Runner, row: dict[str, Any]) -> Path:
    root = {"folder": run.folder / ".vidctl" / "media", "shelf": run.folder / "shelf"}
    return root[row["host"]] / row["locator"]


def move(run: Runner, *more: str) -> dict[str, Any]:
    (moved,) = run.ok("media", "move", "film", *more, "--json").data["items"]
    return dict(moved)


def refused(result: Result, code: int, *said: str) -> None:
    assert (result.code, result.out) == (code, ""), result
    for text in said:
        assert text in result.err, result


def test_everything_of_an_item_moves_and_nothing_else_changes(run: Runner) -> None:
    run.ok("progress", "watch", "film", "--range", "0-2", "--at-time", "2025-01-07")
    before, shown = live(run), run.ok("videos", "show", "film", "--json").data
    seen = run.ok("progress", "show", "--item", "film", "--json").data
    assert [row["role"] for row in before] == ROLES
    moved = move(run, "--to", "shelf")
    assert (moved["from"], moved["to"], moved["files"]) == (["folder"], "shelf", 7)
    assert moved["sent"] == sum(row["size"] for row in before)
    after = live(run)
    assert [row["role"] for row in after] == ROLES
    assert {row["host"] for row in after} == {"shelf"}
    for old, new in zip(before, after, strict=True):
        assert (old["sha256"], old["size"], old["filename"], old["metadata"]) == (
            *(new["sha256"], new["size"], new["filename"], new["metadata"]),
        )
        assert held(run, new).read_bytes() == held(run, old).read_bytes()
    copies = [row for row in rows(run) if row["role"] == "copy"]
    assert {row["host"] for row in copies} == {"folder"}
    assert len(copies) == 7
    again = run.ok("videos", "show", "film", "--json").data
    assert again["slug"] == shown["slug"]
    assert again["properties"].keys() == shown["properties"].keys()
    assert run.ok("progress", "show", "--item", "film", "--json").data == seen
    assert run.ok("media", "probe", "film", "--json").data["kind"] == "video"
    run.ok("doctor")


def test_moving_to_where_it_is_does_nothing(run: Runner) -> None:
    before = files_below(run.folder)
    moved = move(run, "--to", "folder")
    assert (moved["files"], moved["sent"], moved["changed"]) == (0, 0, False)
    assert files_below(run.folder) == before
    assert "already there" in run.ok("media", "move", "film", "--to", "folder").out


def test_moving_back_sends_nothing(run: Runner) -> None:
    move(run, "--to", "shelf")
    kept = {held(run, row): held(run, row).stat().st_ino for row in rows(run)}
    moved = move(run, "--to", "folder")
    cues = next(row["size"] for row in live(run) if row["role"] == "storyboard_cues")
    assert moved["files"] == 7
    assert moved["sent"] == cues, "only the cues are written anew"
    assert {file: file.stat().st_ino for file in kept} == kept
    assert {row["host"] for row in live(run)} == {"folder"}
    assert len(rows(run)) == 14


def test_the_old_bytes_go_when_asked_and_then_only(run: Runner) -> None:
    old = [held(run, row) for row in live(run)]
    moved = move(run, "--to", "shelf", "--delete-source")
    assert moved["deleted"] == 7
    assert not any(file.exists() for file in old)
    assert len(rows(run)) == 7
    assert all(held(run, row).exists() for row in rows(run))
    run.ok("doctor")
    # And copies that an earlier move left, although there is nothing to move any more.
    move(run, "--to", "folder")
    moved = move(run, "--to", "folder", "--delete-source")
    assert (moved["files"], moved["deleted"], moved["changed"]) == (0, 7, True)
    assert not [file for file in (run.folder / "shelf").rglob("*") if file.is_file()]
    run.ok("doctor")


def test_copies_on_a_third_host_go_only_when_asked(run: Runner) -> None:
    run.ok("config", "set", "hosts.attic.kind", "folder")
    run.ok("config", "set", "hosts.attic.path", "attic")
    move(run, "--to", "shelf")
    old = [held(run, row) for row in rows(run) if row["host"] == "folder"]
    planned = run.ok("media", "move", "film", "--to", "attic", "--delete-source", "-n", "--json")
    moved = move(run, "--to", "attic", "--delete-source")
    assert moved["deleted"] == planned.data["items"][0]["deleted"] == 7
    assert all(file.exists() for file in old), "the item was not moved from there"
    assert not [file for file in (run.folder / "shelf").rglob("*") if file.is_file()]
    assert move(run, "--to", "attic", "--delete-source")["changed"] is False
    assert move(run, "--to", "attic", "--delete-copies")["deleted"] == 7
    assert not any(file.exists() for file in old)
    assert {row["host"] for row in rows(run)} == {"attic"}
    run.ok("doctor")


def test_what_a_move_of_everything_leaves_is_told(run: Runner) -> None:
    make_video(run.folder / "again.mp4", 5)
    run.ok("upload", "again.mp4", "--replace", "film")
    tone(run.folder / "old.wav")
    run.ok("upload", "old.wav")
    run.ok("podcasts", "archive", "old")
    run.ok("videos", "add", "https://example.org/v.mp4", "--title", "Link")
    run.ok("videos", "archive", "link")
    left = ["former versions left where they are: 1"]
    notes = run.ok("media", "move", "--all", "--to", "shelf", "--json").envelope["notes"]
    assert notes == [*left, "archived items left where they are: 1; name one to move it"]
    assert {row["host"] for row in live(run, "old")} == {"folder"}
    notes = run.ok("media", "move", "film", "old", "--to", "shelf", "--json").envelope["notes"]
    assert notes == left
    assert {row["host"] for row in live(run, "old")} == {"shelf"}
    assert run.ok("media", "move", "--all", "--to", "shelf", "--json").envelope["notes"] == left


def test_bytes_that_another_item_needs_stay(run: Runner) -> None:
    for name, seconds in (("one", 2), ("two", 3)):
        make_video(run.folder / f"{name}.mp4", seconds, draw=lambda second: flat(0))
        run.ok("upload", f"{name}.mp4")
    thumbs = [row for item in ("one", "two") for row in live(run, item) if row["role"] != "source"]
    assert len({row["locator"] for row in thumbs}) == 1
    run.ok("media", "move", "one", "--to", "shelf", "--delete-source")
    assert held(run, thumbs[0]).exists()
    run.ok("media", "move", "two", "--to", "shelf", "--delete-source")
    assert not held(run, thumbs[0]).exists()
    run.ok("doctor")


def test_former_versions_stay_where_they_are(run: Runner) -> None:
    make_video(run.folder / "again.mp4", 5)
    run.ok("upload", "again.mp4", "--replace", "film")
    (former,) = (row for row in rows(run) if row["role"] == "version")
    move(run, "--to", "shelf", "--delete-source")
    assert [row for row in rows(run) if row["role"] == "version"] == [former]
    assert held(run, former).exists()


def test_a_rehearsal_says_what_would_happen_and_does_nothing(run: Runner) -> None:
    before = files_below(run.folder)
    planned = run.ok("media", "move", "film", "--to", "shelf", "--delete-source", "-n", "--json")
    assert files_below(run.folder) == before
    done = move(run, "--to", "shelf", "--delete-source")
    assert planned.data["items"] == [done]
    assert "nothing was changed" in planned.envelope["notes"]


def test_captions_and_transcripts_stay_with_the_item(run: Runner) -> None:
    captioned(run.folder / "talk.wav", ["a kingfisher sits there", "and off it goes"])
    run.ok("upload", "talk.wav", "--process")
    before = run.ok("search", "kingfisher", "--mode", "text", "--json").data["hits"]
    run.ok("media", "move", "talk", "--to", "shelf", "--delete-source")
    assert [row["role"] for row in live(run, "talk")] == ["source", "captions"]
    assert run.ok("search", "kingfisher", "--mode", "text", "--json").data["hits"] == before
    run.ok("transcribe", "talk", "--force")


# --- several items ------------------------------------------------------------------------------


def test_one_that_fails_does_not_stop_the_others(run: Runner) -> None:
    for number in range(3):
        tone(run.folder / f"talk{number}.wav", pitch=300 + 100 * number)
        run.ok("upload", f"talk{number}.wav")
    lost = live(run, "talk1")[0]
    held(run, lost).unlink()
    run.ok("videos", "add", "https://example.org/v.mp4", "--title", "Link")
    result = run("media", "move", "--all", "--to", "shelf", "--json")
    assert result.code == 3
    moved = [item["slug"] for item in result.envelope["data"]["items"]]
    assert moved == ["film", "talk0", "talk2"], "and what has no media is not told of"
    (error,) = result.envelope["errors"]
    assert (error["item"], error["code"]) == ("talk1", "not_found")
    assert live(run, "talk1") == [lost]
    named = run("media", "move", "link", "--to", "shelf")
    assert (named.code, named.err) == (0, "link has no media here\n")


def test_a_full_disk_ends_the_work(run: Runner) -> None:
    for number in range(3):
        tone(run.folder / f"talk{number}.wav", pitch=300 + 100 * number)
        run.ok("upload", f"talk{number}.wav")
    failpoints.arm("copy.fsync:9:enospc")
    result = run("media", "move", "--all", "--to", "shelf", "--json")
    failpoints.arm("")
    assert result.code == 3
    assert [item["slug"] for item in result.envelope["data"]["items"]] == ["film", "talk0"]
    assert [error["code"] for error in result.envelope["errors"]] == ["disk_full"]
    assert result.envelope["notes"] == ["1 more were not tried"]
    run.ok("media", "move", "--all", "--to", "shelf")
    run.ok("doctor")


def test_mistakes(run: Runner) -> None:
    refused(run("media", "move", "film"), 2, "where to move to was not given")
    refused(run("media", "move", "--to", "shelf"), 2, "no item was given")
    refused(run("media", "move", "film", "--all", "--to", "shelf"), 2, "exclude each other")
    refused(run("media", "move", "film", "--to", "attic"), 2, "there is no media host 'attic'")
    refused(run("media", "move", "nothing", "--to", "shelf"), 6)
    run.ok("config", "set", "hosts.bare.kind", "folder")
    refused(run("media", "move", "film", "--to", "bare"), 2, "bare has no folder")


def test_an_item_of_a_group_below_moves_in_its_own_group(run: Runner) -> None:
    run.ok("groups", "add", "default/below")
    tone(run.folder / "deep.wav")
    run.ok("upload", "deep.wav", "-g", "default/below")
    run.ok("media", "move", "deep", "--to", "shelf", "--delete-source", "-r")
    (row,) = run.ok("media", "list", "deep", "--json", "-g", "default/below").data["items"]
    assert row["host"] == "shelf"
    assert held(run, row).exists()
    run.ok("doctor")


# --- damage and interruption --------------------------------------------------------------------


def test_damaged_bytes_are_not_moved(run: Runner) -> None:
    before = rows(run)
    file = held(run, before[0])
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    result = run("media", "move", "film", "--to", "shelf", "--delete-source")
    assert result.code != 0
    assert rows(run) == before
    assert not [each for each in (run.folder / "shelf").rglob("*") if each.is_file()]
    assert file.exists()


def test_media_that_change_meanwhile_are_not_switched(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FolderHost.put
    arrived = []

    def put(self: FolderHost, *given: Any) -> Any:
        stored = real(self, *given)
        arrived.append(stored)
        if len(arrived) == len(ROLES):
            monkeypatch.setattr(FolderHost, "put", real)
            run.ok("media", "thumb", "film", "--at", "0:03")
        return stored

    monkeypatch.setattr(FolderHost, "put", put)
    refused(run("media", "move", "film", "--to", "shelf"), 9, "changed while they were being moved")
    assert {row["host"] for row in rows(run)} == {"folder"}
    assert move(run, "--to", "shelf")["files"] == 7
    run.ok("doctor")


POINTS = [
    *("copy.open:1", "copy.replace:1", "copy.done:1", "copy.write:3", "copy.done:7"),
    *("move.copied:1", "move.switched:1", "move.removed:1", "move.removed:7"),
]


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_move_loses_nothing_and_goes_on(run: Runner, spawn: Spawner, point: str) -> None:
    contents = {row["sha256"]: held(run, row).read_bytes() for row in live(run)}
    words = ("media", "move", "film", "--to", "shelf", "--delete-source")
    killed = spawn(*words, env={"VIDCTL_FAILPOINT": f"{point}:kill"})
    assert killed.code == -signal.SIGKILL
    # Killed anywhere, the item is whole: every row that it works with leads to its bytes.
    for row in live(run):
        assert held(run, row).read_bytes() == contents[row["sha256"]]
    run.ok("media", "probe", "film")
    run.ok(*words)
    assert {(row["host"], row["sha256"]) for row in rows(run)} == {
        ("shelf", sha256) for sha256 in contents
    }
    media = run.folder / ".vidctl" / "media"
    left = [file for file in media.rglob("*") if file.is_file()]
    assert left == []
    run.ok("doctor")


@pytest.mark.parametrize("visit", range(1, 8))
@pytest.mark.parametrize("fault", ["enospc", "eio"])
def test_a_disk_that_fails_in_a_move(run: Runner, visit: int, fault: str) -> None:
    before = rows(run)
    failpoints.arm(f"copy.write:{visit}:{fault}")
    result = run("media", "move", "film", "--to", "shelf", "--delete-source")
    failpoints.arm("")
    assert result.code == 1, result
    assert rows(run) == before
    assert all(held(run, row).exists() for row in before)
    assert move(run, "--to", "shelf", "--delete-source")["files"] == 7
    run.ok("doctor")


# --- to a service -------------------------------------------------------------------------------


@pytest.fixture
def cloud(run: Runner, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudinaryServer]:
    """A service on this machine, set up as the host cloudinary."""
    with CloudinaryServer() as server:
        run.ok("config", "set", "hosts.cloudinary.api", server.address)
        run.ok("config", "set", "hosts.cloudinary.cloud", server.cloud)
        monkeypatch.setenv("VIDCTL_CLOUDINARY_KEY", server.key_text)
        yield server


def uploads(server: CloudinaryServer) -> int:
    return len(server.of("upload"))


def test_to_a_service_and_back(run: Runner, cloud: CloudinaryServer) -> None:
    contents = {row["role"]: held(run, row).read_bytes() for row in live(run)}
    moved = move(run, "--to", "cloudinary", "--delete-source")
    assert (moved["files"], moved["deleted"]) == (7, 7)
    assert uploads(cloud) == len(cloud.assets) == 7
    there = {row["role"]: row for row in live(run)}
    assert {row["host"] for row in there.values()} == {"cloudinary"}
    assert all(row["url"].startswith(("https://", cloud.address)) for row in there.values())
    picture = run.ok("videos", "show", "film", "--json").data["properties"]["thumbnail"]
    assert picture == there["thumbnail"]["url"]
    sprites = {row["url"] for row in rows(run) if row["role"] == "storyboard"}
    assert set(named(run, cloud, there["storyboard_cues"])) == sprites
    # What is made now goes where the media are, and is read from there.
    run.ok("media", "preview", "film", "--seconds", "1")
    assert {row["role"]: row["host"] for row in live(run)}["preview"] == "cloudinary"
    assert run.ok("media", "probe", "film", "--json").data["kind"] == "video"
    moved = move(run, "--to", "folder", "--delete-source")
    assert (moved["files"], moved["deleted"]) == (8, 8)
    assert cloud.assets == {}
    for row in live(run):
        if row["role"] in contents and row["role"] != "storyboard":
            assert held(run, row).read_bytes() == contents[row["role"]], row["role"]
    assert not list((run.folder / ".vidctl" / "cache").iterdir())
    run.ok("doctor")


def named(run: Runner, server: CloudinaryServer, cues: dict[str, Any]) -> list[str]:
    """The addresses in the cues that a service holds."""
    kind, _, name = cues["locator"].partition("/")
    found: list[str] = []

    def note(address: str) -> str:
        found.append(address)
        return address

    readdressed(server.content(kind, name).decode(), note)
    return found


def test_copies_at_a_service_are_not_sent_again(run: Runner, cloud: CloudinaryServer) -> None:
    move(run, "--to", "cloudinary")
    move(run, "--to", "folder")
    sent = uploads(cloud)
    move(run, "--to", "cloudinary")
    assert uploads(cloud) <= sent + 1, "the cues, at most"
    assert len(cloud.assets) == 7


def test_a_copy_that_has_gone_is_sent_again(run: Runner, cloud: CloudinaryServer) -> None:
    move(run, "--to", "cloudinary")
    move(run, "--to", "folder")
    cloud.assets.clear()
    move(run, "--to", "cloudinary")
    assert len(cloud.assets) == 7
    # The folder's cues name other addresses, so they are no copy of those at the service.
    assert len(rows(run)) == 13


@pytest.mark.parametrize("fault", ["401", "flip", "truncate"])
def test_what_did_not_arrive_is_not_switched(
    run: Runner, cloud: CloudinaryServer, fault: str
) -> None:
    before = rows(run)
    cloud.fault = lambda call: fault if call["what"] == "upload" else ""
    result = run("media", "move", "film", "--to", "cloudinary", "--delete-source")
    assert result.code in (1, 4), result
    assert rows(run) == before
    assert all(held(run, row).exists() for row in before)
    cloud.fault = None
    assert move(run, "--to", "cloudinary", "--delete-source")["files"] == 7


def test_a_rehearsal_asks_no_service(run: Runner, cloud: CloudinaryServer) -> None:
    run.ok("media", "move", "film", "--to", "cloudinary", "-n")
    assert cloud.calls == []


def test_without_a_key_nothing_is_tried_twice(
    run: Runner, cloud: CloudinaryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIDCTL_CLOUDINARY_KEY")
    tone(run.folder / "talk.wav")
    run.ok("upload", "talk.wav")
    before = rows(run)
    result = run("media", "move", "--all", "--to", "cloudinary")
    assert result.code == 4
    assert rows(run) == before
    assert cloud.calls == []


def test_the_old_host_may_be_out_of_reach_and_the_move_still_counts(
    run: Runner, cloud: CloudinaryServer
) -> None:
    move(run, "--to", "cloudinary", "--delete-source")
    cloud.fault = lambda call: "403" if call["what"] == "destroy" else ""
    result = run("media", "move", "film", "--to", "folder", "--delete-source")
    assert result.code == 4, result
    assert {row["host"] for row in live(run)} == {"folder"}
    assert {row["host"] for row in rows(run) if row["role"] == "copy"} == {"cloudinary"}
    cloud.fault = None
    assert move(run, "--to", "folder", "--delete-source")["deleted"] == 7
    assert cloud.assets == {}


# --- from Python --------------------------------------------------------------------------------


def test_from_python(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.folder)
    shutil.rmtree(run.folder / "shelf", ignore_errors=True)
    library = Library.open(Config())
    try:
        assert library.media.move(["film"], "shelf", rehearse=True).data["items"][0]["files"] == 7
        assert library.media.move(["film"], "shelf").data["items"][0]["changed"]
        assert {row["host"] for row in library.media.of("film").data["items"]} == {
            *("folder", "shelf")
        }
        assert library.media.thumb("film", at=1.0).data["host"] == "shelf"
    finally:
        library.close()


# --- what would be lost -------------------------------------------------------------------------


def test_two_names_of_one_place_are_refused(run: Runner) -> None:
    """Letting go under the one name would delete what the other keeps."""
    run.ok("config", "set", "hosts.alias.kind", "folder")
    run.ok("config", "set", "hosts.alias.path", ".vidctl/media")
    before = {row["id"]: held(run, row).read_bytes() for row in rows(run)}
    result = run("media", "move", "film", "--to", "alias", "--delete-source")
    refused(result, 9, "folder and alias are the same place")
    assert {row["id"]: held(run, row).read_bytes() for row in rows(run)} == before


def test_copies_are_let_go_only_when_the_target_has_the_bytes(run: Runner) -> None:
    """What the target lost is sent again from the copy before the copy goes."""
    move(run, "--to", "shelf")
    (source,) = [row for row in rows(run) if row["role"] == "source"]
    content = held(run, source).read_bytes()
    held(run, source).unlink()
    move(run, "--to", "shelf", "--delete-source")
    assert held(run, source).read_bytes() == content
    assert [row["host"] for row in rows(run) if row["role"] == "copy"] == []


def test_a_rotten_copy_on_the_target_is_not_trusted(run: Runner) -> None:
    move(run, "--to", "shelf")
    (copy,) = [row for row in rows(run) if row["role"] == "copy" and row["size"] > 100_000] or [
        next(row for row in rows(run) if row["role"] == "copy")
    ]
    file = held(run, copy)
    content = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    move(run, "--to", "folder", "--delete-source")
    (back,) = [row for row in rows(run) if row["sha256"] == copy["sha256"]]
    assert held(run, back).read_bytes() == content


def test_a_video_with_its_picture_goes_to_s3_and_back(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bucket that is not public has no web address; the picture is known all the same."""
    with running_s3() as service:
        monkeypatch.setenv("VIDCTL_S3_KEY", KEY)
        run.ok("config", "set", "hosts.s3.bucket", service.bucket)
        run.ok("config", "set", "hosts.s3.endpoint", service.address)
        move(run, "--to", "s3")
        shown = run.ok("videos", "show", "film", "--json").data["properties"]
        assert shown["thumbnail"].startswith(f"s3://{service.bucket}/")
        make_video(run.folder / "other.mp4", 2)
        run.ok("upload", "other.mp4", "--to", "s3")
        move(run, "--to", "folder", "--delete-source")
        assert {row["host"] for row in live(run)} == {"folder"}
