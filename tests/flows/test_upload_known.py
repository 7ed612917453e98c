"""What is here already is not sent again, and not read again where that can be known."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from flow_samples import tone
from harness import Runner
from media_samples import make_video
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
    assert run.ok("upload", "film.mp4", "--json").data["known"] == 1
    assert run.ok("doctor", "--verify-data", "--json").data["problems"] == 0


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
    result = run.ok("upload", "in/talk-0001.wav", "in/talk-0002.wav", "--max-items", "1", "-n")
    assert result.out == "in/talk-0001.wav\t3.2 kB\tnew\nin/talk-0002.wav\t\tnot done\n"
    assert files_below(run.folder) == before


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
