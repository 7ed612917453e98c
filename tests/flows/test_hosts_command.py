"""``vidctl hosts`` and what ``doctor`` says of hosts, against services that really answer."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Result, Runner, Spawner, write_tone
from servers.cloudinary import CloudinaryServer
from servers.s3 import KEY, S3Server, running_s3

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def cloud() -> Iterator[CloudinaryServer]:
    with CloudinaryServer() as server:
        yield server


@pytest.fixture
def bucket() -> Iterator[S3Server]:
    with running_s3() as server:
        yield server


def key_of(cloud: CloudinaryServer) -> str:
    return f"cloudinary://{cloud.key}:{cloud.secret}@{cloud.cloud}"


@pytest.fixture
def online(run: Runner, library: Path, cloud: CloudinaryServer) -> CloudinaryServer:
    """A library with one item on Cloudinary and one beside it, and the key to it."""
    run.ok("config", "set", "embed.engine", "none")
    run.ok("config", "set", "hosts.cloudinary.api", cloud.address)
    run.ok("keys", "set", "cloudinary", "--insecure-storage", stdin=key_of(cloud))
    write_tone(run.folder / "far.wav")
    write_tone(run.folder / "near.wav", pitch=220)
    run.ok("upload", "far.wav", "--to", "cloudinary")
    run.ok("upload", "near.wav")
    return cloud


def found(result: Result) -> dict[str, dict[str, Any]]:
    """What doctor or hosts check found, by name."""
    items = result.envelope["data"]["items"]
    return {item.get("check") or item["name"]: item for item in items}


def hosts(run: Runner) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in run.ok("hosts", "list", "--json").data["items"]}


# --- list ---------------------------------------------------------------------------------------


def test_a_new_library_has_its_folder(run: Runner, library: Path) -> None:
    (folder,) = hosts(run).values()
    assert folder == {
        **{"name": "folder", "kind": "folder", "where": str(library.parent / "media")},
        **{"default": True, "key": "", "items": 0, "files": 0, "bytes": 0, "problem": ""},
    }


def test_the_list_says_what_is_where(run: Runner, online: CloudinaryServer, home: Path) -> None:
    listed = hosts(run)
    assert list(listed) == ["folder", "cloudinary"]
    sizes = {name: (run.folder / f"{name}.wav").stat().st_size for name in ("near", "far")}
    assert (listed["folder"]["items"], listed["cloudinary"]["items"]) == (1, 1)
    assert listed["folder"]["bytes"] == sizes["near"]
    assert listed["cloudinary"]["bytes"] >= sizes["far"]
    assert listed["cloudinary"]["key"] == str(home / "vidctl" / "config" / "credentials.toml")
    run.ok("groups", "add", "other")
    there = run.ok("hosts", "list", "-g", "other", "--json").data["items"]
    assert [item["items"] for item in there] == [0, 0], "another group holds nothing"


def test_a_host_that_is_set_up_half(run: Runner, library: Path) -> None:
    run.ok("config", "set", "hosts.archive.bucket", "media")
    run.ok("config", "set", "hosts.nas.kind", "folder")
    listed = hosts(run)
    assert listed["archive"]["problem"] == "what the host archive is has not been set"
    assert listed["nas"]["problem"] == "the host nas has no folder"
    run.ok("config", "set", "hosts.archive.kind", "s3")
    run.ok("config", "set", "hosts.archive.endpoint", "https://s3.example.org")
    assert hosts(run)["archive"]["where"] == "media@https://s3.example.org"


# --- check --------------------------------------------------------------------------------------


def test_hosts_that_work(run: Runner, online: CloudinaryServer, bucket: S3Server) -> None:
    run.ok("config", "set", "hosts.archive.kind", "s3")
    run.ok("config", "set", "hosts.archive.bucket", bucket.bucket)
    run.ok("config", "set", "hosts.archive.endpoint", bucket.address)
    run.ok("keys", "set", "archive", "--insecure-storage", stdin=KEY)
    checked = found(run.ok("hosts", "check", "--json"))
    assert {name: item["ok"] for name, item in checked.items()} == {
        "folder": True,
        "archive": True,
        "cloudinary": True,
    }
    assert checked["cloudinary"]["message"] == "cloud demo"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("401", "does not accept the key"),
        ("429", "asks for a pause"),
        ("500", "General Error"),
        ("cut", "ended the connection"),
        ("not_json", "makes no sense"),
    ],
)
def test_a_host_that_does_not_work_is_told_at_once(
    run: Runner, online: CloudinaryServer, fault: str, said: str
) -> None:
    online.calls.clear()
    online.fault = lambda call: fault
    before = time.monotonic()
    result = run("hosts", "check", "cloudinary", "folder", "--json")
    assert time.monotonic() - before < 5
    assert result.code == 7
    checked = found(result)
    assert (checked["cloudinary"]["ok"], checked["folder"]["ok"]) == (False, True)
    assert said in checked["cloudinary"]["message"]
    assert len(online.calls) == 1, "a check-up asks once"
    assert online.secret not in result.out + result.err


def test_a_host_without_key_network_or_meaning(run: Runner, online: CloudinaryServer) -> None:
    run.ok("keys", "rm", "cloudinary")
    result = run("hosts", "check", "cloudinary", "--json")
    assert result.code == 7
    assert found(result)["cloudinary"]["hint"] == "vidctl keys set cloudinary"
    run.ok("keys", "set", "cloudinary", "--insecure-storage", stdin=key_of(online))
    run.ok("config", "set", "hosts.cloudinary.api", NOWHERE)
    assert found(run("hosts", "check", "--json"))["cloudinary"]["ok"] is False
    offline = run.ok("hosts", "check", "--offline", "--json")
    assert found(offline)["cloudinary"]["message"] == "not asked, because of --offline"
    assert found(offline)["folder"]["ok"] is True
    unknown = run("hosts", "check", "nowhere")
    assert (unknown.code, unknown.out) == (2, "")
    assert unknown.err == "error: there is no media host 'nowhere'\nhint: vidctl hosts list\n"


# --- verify -------------------------------------------------------------------------------------

BODY = b'{"notification_type": "upload",\r\n "public_id": "\xc3\xa9"}'


def signed(cloud: CloudinaryServer, age: int = 0, algorithm: str = "sha1") -> list[str]:
    stamp = str(int(time.time()) - age)
    digest = hashlib.new(algorithm, BODY + stamp.encode() + cloud.secret.encode()).hexdigest()
    return ["--timestamp", stamp, "--signature", digest]


def test_a_notification_is_told_from_a_forgery(run: Runner, online: CloudinaryServer) -> None:
    (run.folder / "body").write_bytes(BODY)
    good = signed(online)
    valid = run.ok("hosts", "verify", "cloudinary", "body", *good)
    assert valid.out == "it comes from cloudinary\n"
    again = run("hosts", "verify", "cloudinary", "body", *good)
    assert (again.code, again.out) == (7, "it comes from cloudinary, but came before\n")
    told = run("hosts", "verify", "cloudinary", "body", *good, "--json").envelope["data"]
    assert told == {"name": "cloudinary", "valid": False, "repeated": True}
    another = signed(online, age=60)
    assert run.ok("hosts", "verify", "cloudinary", "body", *another, "--json").data == {
        "name": "cloudinary",
        "valid": True,
        "repeated": False,
    }
    (run.folder / "body").write_bytes(BODY.replace(b"\r\n", b"\n"))
    assert run("hosts", "verify", "cloudinary", "body", *good).code == 7
    (run.folder / "body").write_bytes(BODY)
    assert run("hosts", "verify", "cloudinary", "body", *signed(online, age=8000)).code == 7
    forged = run("hosts", "verify", "cloudinary", "body", *good[:3], "0" * 40)
    assert (forged.code, forged.out) == (7, "it does not come from cloudinary, or is too old\n")


def test_the_body_comes_through_stdin_as_it_is(
    run: Runner, spawn: Spawner, online: CloudinaryServer
) -> None:
    process = spawn.start("hosts", "verify", "cloudinary", "-", *signed(online))
    out, err = process.communicate(BODY, timeout=60)
    assert (process.returncode, out, err) == (0, b"it comes from cloudinary\n", b"")


def test_two_processes_accept_a_notification_once(
    run: Runner, spawn: Spawner, online: CloudinaryServer
) -> None:
    (run.folder / "body").write_bytes(BODY)
    for algorithm in ("sha1", "sha256"):
        words = ["hosts", "verify", "cloudinary", "body", *signed(online, algorithm=algorithm)]
        processes = [spawn.start(*words) for _ in range(3)]
        for process in processes:
            process.communicate(timeout=60)
        assert sorted(process.returncode for process in processes) == [0, 7, 7]


def test_where_nothing_can_be_remembered_nothing_is_accepted(
    run: Runner, online: CloudinaryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run.folder / "body").write_bytes(BODY)
    place = run.folder / "no-folder"
    place.write_bytes(b"")
    monkeypatch.setattr("vidctl.paths.notifications_folder", lambda: place / "notifications")
    refused = run("hosts", "verify", "cloudinary", "body", *signed(online))
    assert (refused.code, refused.out) == (1, "")
    assert "no-folder" in refused.err


def test_mistakes_in_verifying(run: Runner, online: CloudinaryServer) -> None:
    (run.folder / "body").write_bytes(BODY)
    assert run("hosts", "verify", "cloudinary", "body").code == 2
    assert run("hosts", "verify", "cloudinary", "no-body", *signed(online)).code == 6
    folder = run("hosts", "verify", "folder", "body", *signed(online))
    assert (folder.code, folder.out) == (2, "")
    run.ok("keys", "rm", "cloudinary")
    assert run("hosts", "verify", "cloudinary", "body", *signed(online)).code == 4


# --- doctor -------------------------------------------------------------------------------------


def test_doctor_asks_the_hosts(run: Runner, online: CloudinaryServer) -> None:
    online.calls.clear()
    checks = found(run.ok("doctor", "--json"))
    assert checks["media files"]["message"] == "1 there"
    assert checks["host cloudinary"]["message"].endswith("; cloud demo")
    assert len(online.calls) == 1, "files are only counted"
    checks = found(run.ok("doctor", "--verify-data", "--json"))
    assert checks["media on cloudinary"]["ok"] is True
    assert not [call for call in online.calls if call["what"] == "delivery"], "and none is read"


def test_doctor_offline_asks_nobody(run: Runner, online: CloudinaryServer) -> None:
    online.calls.clear()
    checks = found(run.ok("doctor", "--offline", "--verify-data", "--json"))
    assert checks["host cloudinary"]["message"].endswith("; not asked, because of --offline")
    assert "media on cloudinary" not in checks
    assert online.calls == []


def test_doctor_finds_what_a_host_lost(run: Runner, online: CloudinaryServer) -> None:
    online.assets.clear()
    run.ok("doctor")
    result = run("doctor", "--verify-data", "--json")
    assert result.code == 7
    assert found(result)["media on cloudinary"]["message"] == "missing: far"
    assert found(result)["media files"]["ok"] is True


def test_doctor_finds_a_file_of_another_size(run: Runner, online: CloudinaryServer) -> None:
    for asset in online.assets.values():
        asset["bytes"] = 5
    result = run("doctor", "--verify-data", "--json")
    assert result.code == 7
    assert found(result)["media on cloudinary"]["message"] == "of another size: far"


def test_an_unreachable_host_is_a_finding(run: Runner, online: CloudinaryServer) -> None:
    run.ok("config", "set", "hosts.cloudinary.api", NOWHERE)
    for words in (["doctor"], ["doctor", "--verify-data"], ["doctor", "--fix"]):
        result = run(*words, "--json")
        assert result.code == 7
        finding = found(result)["host cloudinary"]
        assert finding["ok"] is False
        assert "cannot be reached" in finding["message"]
        assert online.secret not in result.out + result.err
    run.ok("podcasts", "list")


def test_a_host_that_was_forgotten_is_a_finding(
    run: Runner, online: CloudinaryServer, tmp_path: Path
) -> None:
    """Rows name a host whose settings are gone: nothing crashes, and the name is told."""
    nas = tmp_path / "nas"
    run.ok("config", "set", "hosts.nas.kind", "folder")
    run.ok("config", "set", "hosts.nas.path", str(nas))
    write_tone(run.folder / "third.wav", pitch=330)
    run.ok("upload", "third.wav", "--to", "nas")
    assert found(run.ok("doctor", "--json"))["media files"]["message"] == "2 there"
    run.ok("config", "unset", "hosts.nas.kind")
    run.ok("config", "unset", "hosts.nas.path")
    result = run("doctor", "--fix", "--verify-data", "--json")
    assert result.code == 7
    assert "there is no media host 'nas'" in found(result)["host nas"]["message"]
    assert any(nas.rglob("*.wav")), "and its files stay"
    assert hosts(run)["nas"]["problem"] == "there is no media host 'nas'"


def test_mending_never_takes_the_bytes_of_another_name(
    run: Runner, online: CloudinaryServer, tmp_path: Path
) -> None:
    """Two hosts may be one folder, also through a link: what either holds is nobody's leftover."""
    import os

    shared = tmp_path / "shared"
    shared.mkdir()
    (tmp_path / "link").symlink_to(shared)
    for name, path in (("one", "shared"), ("two", "link")):
        run.ok("config", "set", f"hosts.{name}.kind", "folder")
        run.ok("config", "set", f"hosts.{name}.path", str(tmp_path / path))
    write_tone(run.folder / "third.wav", pitch=330)
    run.ok("upload", "third.wav", "--to", "one")
    (kept,) = shared.rglob("*.wav")
    orphan = kept.parents[1] / "ee" / f"{'e' * 64}.wav"
    orphan.parent.mkdir()
    orphan.write_bytes(b"left by nobody")
    for file in shared.rglob("*.*"):
        os.utime(file, (time.time() - 90_000,) * 2)
    assert run("doctor").code == 7
    run.ok("doctor", "--fix")
    assert kept.is_file()
    assert not orphan.exists()


# --- purge --------------------------------------------------------------------------------------


def test_purging_removes_the_bytes_there(run: Runner, online: CloudinaryServer) -> None:
    assert online.assets
    run.ok("podcasts", "rm", "far", "--purge", "--yes")
    assert not online.assets


def test_bytes_that_a_host_keeps_are_told(run: Runner, online: CloudinaryServer) -> None:
    run.ok("config", "set", "hosts.cloudinary.api", NOWHERE)
    run.ok("config", "set", "hosts.cloudinary.timeout", "1")
    result = run("podcasts", "rm", "far", "near", "--purge", "--yes", "--json")
    assert result.code == 3
    errors = result.envelope["errors"]
    assert {error["item"] for error in errors} == {"far"}
    assert "is still on cloudinary" in errors[0]["message"]
    assert "video/vidctl/" in errors[0]["message"], "so that it can be found there"
    assert all(item["purged"] for item in result.envelope["data"]["items"])
    assert run.ok("podcasts", "list", "--json").data["total"] == 0
