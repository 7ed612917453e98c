"""What is here already is not sent again, and not read again where that can be known."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from flow_samples import tone
from harness import Runner, Spawner
from media_samples import make_video
from servers.cloudinary import CloudinaryServer
from upload_samples import aged, broken, tones

from vidctl.journey import examine
from vidctl.media.sandbox import Sandbox


class Readings:
    """Counts the files that were probed and hashed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.probed: list[str] = []
        self.hashed: list[str] = []
        probe, sha256_of = Sandbox.probe, examine.sha256_of

        def probing(sandbox: Sandbox, path: Path, **options: Any) -> Any:
            self.probed.append(path.name)
            return probe(sandbox, path, **options)

        def hashing(path: Path, advance: Any) -> str:
            self.hashed.append(path.name)
            return sha256_of(path, advance)

        monkeypatch.setattr(Sandbox, "probe", probing)
        monkeypatch.setattr(examine, "sha256_of", hashing)

    def clear(self) -> None:
        """Begin to count anew."""
        self.probed.clear()
        self.hashed.clear()


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> Readings:
    return Readings(monkeypatch)


def test_a_thousand_files_of_which_37_are_bad(
    run: Runner, library: Path, readings: Readings
) -> None:
    """REQUIREMENTS 45: 963 done, 37 listed with reasons, exit 3; the rerun touches 37."""
    inbox = run.folder / "in"
    good = tones(inbox, 958)
    for number in range(5):
        good.append(aged(make_video(inbox / f"film-{number}.mp4", 0.2 + number / 10)))
    bad = broken(inbox, 37)
    result = run("upload", "in", "-j", "4", "--json")
    assert result.code == 3
    data, errors = result.envelope["data"], result.envelope["errors"]
    assert (data["new"], data["failed"], data["left"]) == (963, 37, 0)
    assert sorted(error["item"] for error in errors) == sorted(map(str, bad))
    assert all(error["message"] and error["hint"] for error in errors)
    assert {error["code"] for error in errors} <= {"invalid_media", "truncated_media"}
    assert len(data["items"]) == 963
    said = [line for line in result.err.splitlines() if line.startswith("error:")]
    assert len(said) == 37
    readings.clear()
    again = run("upload", "in", "-j", "4", "--json")
    assert again.code == 3
    data = again.envelope["data"]
    assert (data["new"], data["known"], data["failed"]) == (0, 963, 37)
    assert sorted(readings.probed) == sorted(file.name for file in bad)
    assert readings.hashed == []
    assert run.ok("doctor", "--json").data["problems"] == 0
    assert len(list((run.folder / ".vidctl" / "media").rglob("*.wav"))) == 958


def test_a_file_is_read_again_when_anything_about_it_changed(
    run: Runner, library: Path, readings: Readings
) -> None:
    file = aged(tone(run.folder / "talk.wav", seconds=0.5))
    run.ok("upload", "talk.wav")

    def read() -> list[str]:
        readings.clear()
        run.ok("upload", "talk.wav")
        return readings.hashed

    assert read() == []
    aged(file, 7200)  # the time alone
    assert read() == ["talk.wav"]
    assert read() == [], "and is known by its new time from then on"
    copy = run.folder / "copy.wav"
    shutil.copy2(file, copy)
    copy.replace(file)  # the same bytes and time, another file
    assert read() == ["talk.wav"]
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)  # the same size, just now
    result = run.ok("upload", "talk.wav", "--json")
    assert result.data["items"][0]["new"] is True


def test_a_file_that_was_just_written_is_not_recognised_by_its_time(
    run: Runner, library: Path, readings: Readings
) -> None:
    """It can be written again within the same tick of the file system's clock."""
    file = tone(run.folder / "talk.wav", seconds=0.5)
    os.utime(file, (time.time() + 5, time.time() + 5))
    run.ok("upload", "talk.wav")
    readings.clear()
    assert run.ok("upload", "talk.wav", "--json").data["known"] == 1
    assert readings.hashed == ["talk.wav"]


def test_skip_existing_by_hash_reads_and_by_name_does_not(
    run: Runner, library: Path, readings: Readings
) -> None:
    aged(tone(run.folder / "talk.wav", seconds=0.5))
    run.ok("upload", "talk.wav")
    readings.clear()
    run.ok("upload", "talk.wav", "--skip-existing", "hash")
    assert readings.hashed == ["talk.wav"]
    (run.folder / "other").mkdir()
    tone(run.folder / "other" / "talk.wav", seconds=0.7)
    tone(run.folder / "other" / "new.wav", seconds=0.8)
    readings.clear()
    result = run.ok("upload", "other", "--skip-existing", "name", "--json")
    assert readings.hashed == ["new.wav"]
    assert [(item["slug"], item["new"]) for item in result.data["items"]] == [
        ("new", True),
        ("talk", False),
    ]
    assert "1 left out: an item here came from a file of that name" in result.envelope["notes"]
    assert run.ok("upload", "other", "--json").data["new"] == 1, "without the flag it is new"
    assert run("upload", "other", "--skip-existing", "size").code == 2


def test_a_purged_item_is_not_remembered(run: Runner, library: Path) -> None:
    aged(tone(run.folder / "talk.wav", seconds=0.5))
    run.ok("upload", "talk.wav")
    run.ok("podcasts", "rm", "talk", "--purge", "-y")
    assert run.ok("upload", "talk.wav", "--skip-existing", "name", "--json").data["new"] == 1


def test_bytes_that_went_from_the_folder_are_put_back_unread_or_not(
    run: Runner, library: Path
) -> None:
    aged(make_video(run.folder / "film.mp4", 1.0))
    run.ok("upload", "film.mp4")
    media = run.folder / ".vidctl" / "media"
    shutil.rmtree(media)
    assert run("doctor").code == 7
    result = run.ok("upload", "film.mp4", "--json")
    assert result.data["known"] == 1
    assert "1 already here; 2 files put back on folder" in result.envelope["notes"]
    assert run.ok("doctor", "--verify-data", "--json").data["problems"] == 0
    again = run.ok("upload", "film.mp4").err
    assert "1 already here, not stored again" in again
    assert "put back" not in again
    (file,) = media.rglob("*.jpg")
    file.unlink()
    told = run.ok("upload", "film.mp4").err
    assert "film.mp4: already here as video film; 1 file put back\n" in told


def test_what_is_on_another_host_stays_there_and_says_so(run: Runner, library: Path) -> None:
    run.ok("config", "set", "hosts.archive.kind", "folder")
    run.ok("config", "set", "hosts.archive.path", "archive")
    tone(run.folder / "a.wav", seconds=0.5)
    tone(run.folder / "b.wav", seconds=0.6)
    run.ok("upload", "a.wav")
    result = run.ok("upload", "a.wav", "b.wav", "--to", "archive", "--json")
    assert [item["new"] for item in result.data["items"]] == [False, True]
    assert "a stays on folder; vidctl media move a --to archive" in result.envelope["notes"]
    assert len(list((run.folder / "archive").rglob("*.wav"))) == 1
    assert run("upload", "b.wav", "--to", "nowhere").code == 2


def test_a_rehearsal_says_what_would_be_and_changes_nothing(run: Runner, library: Path) -> None:
    from harness import files_below

    files = tones(run.folder / "in", 3)
    run.ok("upload", files[0])
    shutil.copy2(files[1], run.folder / "in" / "twin.wav")
    broken(run.folder / "in", 1)
    before = files_below(run.folder)
    result = run("upload", "in", "-n", "--json")
    assert result.code == 3, result
    found = [(Path(item["file"]).name, item["state"]) for item in result.envelope["data"]["items"]]
    assert found == [
        ("talk-0000.wav", "already here"),
        ("talk-0001.wav", "new"),
        ("talk-0002.wav", "new"),
        ("twin.wav", "same as above"),
    ]
    assert [error["code"] for error in result.envelope["errors"]] == ["invalid_media"]
    assert result.envelope["data"]["cost"] == 0
    assert files_below(run.folder) == before


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_a_rehearsal_ends_as_the_upload_does(run: Runner, library: Path, most: int) -> None:
    """What is here already counts for nothing, a bad file fails, and the rest is not tried."""
    files = tones(run.folder / "in", 3)
    run.ok("upload", files[0])
    shutil.copy2(files[1], run.folder / "in" / "talk-0001-twin.wav")
    broken(run.folder / "in", 1)
    tones(run.folder / "in" / "more", 2, first=50)
    words = ("upload", "in", "--max-items", str(most), "--json")
    said = run(*words, "-n")
    done = run(*words)
    assert said.code == done.code == (8 if most < 4 else 3)
    expected, found = said.envelope, done.envelope
    assert expected["data"]["left"] == found["data"]["left"]
    assert expected["data"]["counts"]["new"] == found["data"]["new"] == min(most, 4)
    assert [e["code"] for e in expected["errors"]] == [e["code"] for e in found["errors"]]
    listed = [Path(item["file"]).name for item in expected["data"]["items"]]
    assert len(listed) == found["data"]["total"], "what would not be tried is not listed"


def everything(*roots: Path) -> dict[str, tuple[str, int]]:
    """Return the SHA-256 and time of every file and folder below some folders."""
    found = {}
    for place in (path for root in roots for path in sorted(root.rglob("*"))):
        content = place.read_bytes() if place.is_file() else b""
        is_library = place.name == "library.db" or place.name == ".vidctl"
        # SQLite makes files beside the library while it is open, which touches their folder.
        moment = 0 if is_library else place.stat().st_mtime_ns
        found[str(place)] = (hashlib.sha256(content).hexdigest(), moment)
    return found


@pytest.mark.parametrize(
    "words",
    [
        ("in/talk-0001.wav",),
        ("in",),
        ("in/*.wav", "film.mp4"),
        ("-",),
        ("https://example.org/talk.mp4?token=x", "in"),
        ("in", "--watch"),
        ("in/talk-0002.wav", "--replace", "talk-0000"),
        ("in", "film.mp4", "-j", "8"),
        ("in", "--process"),
        ("in", "--skip-existing", "hash"),
        ("in", "--to", "archive"),
        ("in", "--to", "cloudinary"),
    ],
    ids=" ".join,
)
def test_a_rehearsal_changes_nothing_anywhere(
    run: Runner,
    spawn: Spawner,
    library: Path,
    words: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Not in the library, the home, the temporary folder, nor on the host or beside the files."""
    files = tones(run.folder / "in", 3)
    make_video(run.folder / "film.mp4", 0.5)
    run.ok("config", "set", "hosts.archive.kind", "folder")
    run.ok("config", "set", "hosts.archive.path", "archive")
    run.ok("upload", files[0])
    home, temporary = (tmp_path_factory.mktemp(name) for name in ("home", "temporary"))
    with CloudinaryServer() as service:
        run.ok("config", "set", "hosts.cloudinary.api", service.address)
        env = {
            **{"HOME": str(home), "TMPDIR": str(temporary), "CLOUDINARY_URL": service.key_text},
            **{f"XDG_{name}_HOME": str(home / name) for name in ("CONFIG", "DATA", "CACHE")},
        }
        before = everything(run.folder, home, temporary)
        process = spawn.start("upload", *words, "-n", "--json", env=env)
        out, err = process.communicate(f"{files[1]}\n{files[2]}\n".encode(), timeout=120)
        assert process.returncode == 0, err
        assert json.loads(out)["data"]["total"] > 0
        assert everything(run.folder, home, temporary) == before
        assert service.calls == []


def test_a_rehearsal_of_watching_takes_one_folder_too(run: Runner, library: Path) -> None:
    tones(run.folder / "in", 1)
    for words in (("nothing",), ("in/talk-0000.wav",), ("in", "in")):
        assert run("upload", *words, "--watch", "-n").code == run("upload", *words, "--watch").code
        assert run("upload", *words, "--watch", "-n").code == 2


def test_a_rehearsal_on_a_new_library_makes_no_owner_and_follows_no_link(
    run: Runner, library: Path
) -> None:
    from harness import files_below

    tone(run.folder / "a.wav", seconds=0.5)
    before = files_below(run.folder)
    result = run.ok("upload", "a.wav", "https://example.org/x.mp4?token=s3cret", "-n", "--json")
    assert [item["state"] for item in result.data["items"]] == ["new", "not fetched"]
    assert "s3cret" not in result.out + result.err
    assert files_below(run.folder) == before


def test_a_rehearsal_tells_what_sending_would_cost(run: Runner, library: Path) -> None:
    tone(run.folder / "a.wav", seconds=5)
    run.ok("config", "set", "hosts.store.kind", "s3")
    run.ok("config", "set", "hosts.store.bucket", "b")
    run.ok("config", "set", "prices.s3.gigabyte", "1000")
    key = {"VIDCTL_STORE_KEY": "A" * 16 + ":" + "b" * 40}
    result = run("upload", "a.wav", "--to", "store", "-n", "--json", env=key)
    if result.code == 1 and result.envelope["errors"][0]["code"] == "missing_extra":
        pytest.skip("boto3 is not installed")
    assert result.code == 0, result
    size = (run.folder / "a.wav").stat().st_size
    assert result.data["cost"] == pytest.approx(size / 1e9 * 1000, rel=0.1)
    assert "cost about $" in " ".join(result.envelope["notes"])
