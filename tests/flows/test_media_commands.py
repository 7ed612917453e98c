"""What is made of media, through the commands: where it goes, what it replaces, what it refuses."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from flow_samples import tone
from harness import Result, Runner, Spawner, files_below
from media_samples import cut, flat, make_audio, make_video, scene, with_chapters
from PIL import Image

from vidctl import failpoints
from vidctl.formats import vtt
from vidctl.formats.storyboard import readdressed

pytestmark = pytest.mark.usefixtures("stock")


@pytest.fixture
def stock(run: Runner, library: Path) -> None:
    """A film of four seconds and a talk of one."""
    make_video(run.folder / "film.mp4", 4, tags={"title": "Film"})
    tone(run.folder / "talk.wav")
    run.ok("upload", "film.mp4", "talk.wav")


def rows(run: Runner, item: str, *more: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = run.ok("media", "list", item, "--json", *more).data["items"]
    return listed


def row(run: Runner, item: str, role: str) -> dict[str, Any]:
    """The one row of a role."""
    (found,) = (each for each in rows(run, item) if each["role"] == role)
    return found


def held(run: Runner, row: dict[str, Any]) -> Path:
    """The file of a row on the folder host."""
    return run.folder / ".vidctl" / "media" / row["locator"]


def thumbnail(run: Runner, item: str = "film") -> str | None:
    shown: str | None = run.ok("videos", "show", item, "--json").data["properties"].get("thumbnail")
    return shown


def refused(result: Result, code: int, *said: str) -> None:
    assert (result.code, result.out) == (code, ""), result
    for text in said:
        assert text in result.err, result


# --- probe and list -----------------------------------------------------------------------------


def test_an_item_and_its_file_are_probed_alike(run: Runner) -> None:
    of_item = run.ok("media", "probe", "film", "--json").data
    of_file = run.ok("media", "probe", "film.mp4", "--json").data
    assert (of_item["item"], of_item["source"]) == ("film", None)
    assert (of_file["item"], of_file["source"]) == (None, "film.mp4")
    for key in of_item.keys() - {"item", "id", "source"}:
        assert of_item[key] == of_file[key], key
    assert of_item["kind"] == "video"
    assert of_item["duration"] == pytest.approx(4, abs=0.1)
    assert [stream["type"] for stream in of_item["streams"]] == ["video", "audio"]
    assert of_item["tags"]["title"] == "Film"
    assert "loudness" not in of_item


def test_a_probe_for_people_fits_a_terminal(run: Runner) -> None:
    shown = run.ok("media", "probe", "film", "--loudness", tty=True).out
    assert all(len(line) <= 80 for line in shown.splitlines())
    for said in ("video (mp4)", "00:04", "h264, 160x90, 10 fps", "aac, 48 kHz, mono", "LUFS"):
        assert said in shown
    loudness = run.ok("media", "probe", "talk.wav", "--loudness", "--json").data["loudness"]
    assert -30 < loudness["integrated"] < -5


def test_a_file_that_was_cut_short_says_so(run: Runner) -> None:
    whole = make_video(run.folder / "w.mp4", 20, options={"movflags": "+faststart"})
    cut(whole, run.folder / "cut.mp4")
    result = run.ok("media", "probe", "cut.mp4")
    assert "the file was cut short" in result.err
    assert "the file was cut short" in result.out
    assert run.ok("media", "probe", "cut.mp4", "--json").data["truncated"] is True


def test_what_is_no_media_is_refused_by_its_own_name(run: Runner) -> None:
    (run.folder / "page.mp4").write_text("<html>", encoding="utf-8")
    refused(run("media", "probe", "page.mp4"), 1, "page.mp4: this is a web page")
    refused(run("media", "probe", "nothing.mp4"), 6)
    run.ok("videos", "add", "https://example.org/v.mp4", "--title", "Link")
    refused(run("media", "probe", "link"), 6, "link has no media here, only a link")
    held(run, row(run, "talk", "source")).write_bytes(b"gone wrong")
    refused(run("media", "probe", "talk"), 1, "talk: ")


def test_a_listing_names_roles_hosts_and_addresses(run: Runner) -> None:
    listed = rows(run, "film")
    assert [each["role"] for each in listed] == ["source", "thumbnail"]
    for each in listed:
        assert each["host"] == "folder"
        assert held(run, each).stat().st_size == each["size"]
        assert each["url"] == f"./media/{each['locator']}"
    run.ok("videos", "add", "https://example.org/v.mp4", "--title", "Link")
    assert run.ok("media", "list", "link").err == "link has no media here\n"


# --- what is kept with an item ------------------------------------------------------------------


def test_a_thumbnail_becomes_the_items_picture(run: Runner) -> None:
    before = row(run, "film", "thumbnail")
    made = run.ok("media", "thumb", "film", "--at", "0:03", "--json").data
    assert (made["role"], made["host"], made["changed"]) == ("thumbnail", "folder", True)
    assert made["at"] == 3.0
    after = row(run, "film", "thumbnail")
    assert after["id"] != before["id"]
    assert thumbnail(run) == made["url"] == after["url"]
    assert not held(run, before).exists(), "nobody needs the old bytes"
    with Image.open(held(run, after)) as image:
        assert image.size == (160, 90)
    run.ok("doctor")


def test_the_same_picture_again_changes_nothing(run: Runner) -> None:
    run.ok("media", "thumb", "film", "--at", "0:03")
    before = rows(run, "film")
    events = run.ok("events", "list", "--json").data["total"]
    made = run.ok("media", "thumb", "film", "--at", "0:03", "--json").data
    assert made["changed"] is False
    assert rows(run, "film") == before
    assert run.ok("events", "list", "--json").data["total"] == events


def test_a_picture_that_somebody_set_stays(run: Runner) -> None:
    run.ok("videos", "edit", "film", "--thumbnail", "https://example.org/mine.jpg")
    run.ok("media", "thumb", "film", "--at", "0:03")
    assert thumbnail(run) == "https://example.org/mine.jpg"


def test_bytes_that_another_item_needs_stay(run: Runner) -> None:
    """Two black films have the same thumbnail."""
    for number in (2, 3):
        make_video(
            run.folder / f"black{number}.mp4",
            number,
            draw=lambda second: flat(0) if second < 1 else scene(second),
        )
        run.ok("upload", f"black{number}.mp4")
        run.ok("media", "thumb", f"black{number}", "--at", "0")
    shared = row(run, "black2", "thumbnail")
    assert row(run, "black3", "thumbnail")["locator"] == shared["locator"]
    run.ok("media", "thumb", "black2", "--at", "0:01")
    assert held(run, shared).exists()
    run.ok("media", "thumb", "black3", "--at", "0:01")
    assert not held(run, shared).exists()
    run.ok("doctor")


def test_mistakes_about_thumbnails(run: Runner) -> None:
    refused(run("media", "thumb", "film", "--at", "9:00"), 2, "after the end")
    refused(run("media", "thumb", "film", "--at", "soon"), 2, "'soon' is not a time")
    refused(run("media", "thumb", "film", "--at", "1", "--auto"), 2, "exclude each other")
    refused(run("media", "thumb", "talk"), 1, "talk: there is no picture to make a thumbnail of")
    refused(run("media", "thumb", "talk", "--at", "0"), 1, "there is no picture")
    assert len(rows(run, "talk")) == 1


MADE: dict[str, tuple[list[str], str]] = {
    "thumb": (["film", "--at", "0:03"], "film.jpg"),
    "sheet": (["film", "--columns", "2", "--rows", "2"], "film.sheet.jpg"),
    "preview": (["film", "--seconds", "1"], "film.preview.webp"),
    "audio": (["film", "--format", "mp3"], "film.mp3"),
}


@pytest.mark.parametrize("verb", MADE)
def test_it_is_kept_with_an_item_and_leaves_no_file(run: Runner, verb: str) -> None:
    words, name = MADE[verb]
    before = {file.name for file in run.folder.iterdir()}
    made = run.ok("media", verb, *words, "--json").data
    kept = row(run, "film", made["role"])
    assert held(run, kept).read_bytes()
    assert (kept["filename"], kept["size"]) == (name, made["size"])
    assert {file.name for file in run.folder.iterdir()} == before
    assert not list((run.folder / ".vidctl" / "cache").iterdir())
    actions = [event["action"] for event in run.ok("events", "list", "--json").data["items"]]
    assert actions.count("media_made") == 1
    run.ok("doctor")


@pytest.mark.parametrize("verb", MADE)
@pytest.mark.parametrize("stem", ["", "new"])
def test_it_is_written_beside_a_file(run: Runner, verb: str, stem: str) -> None:
    words, name = MADE[verb]
    out = stem and stem + Path(name).suffix
    words = ["film.mp4", *words[1:], *(["--out", out] if out else [])]
    made = run.ok("media", verb, *words, "--json").data
    assert made["file"] == (out or name)
    content = (run.folder / (out or name)).read_bytes()
    assert len(content) == made["size"]
    assert len(rows(run, "film")) == 2, "nothing is kept with the item of those bytes"
    refused(run("media", verb, *words), 9, "exists already", "hint: --force replaces it")
    (run.folder / (out or name)).write_bytes(b"old")
    run.ok("media", verb, *words, "--force")
    assert (run.folder / (out or name)).read_bytes() == content


@pytest.mark.parametrize("verb", MADE)
def test_with_out_nothing_is_kept(run: Runner, verb: str) -> None:
    words, name = MADE[verb]
    made = "made" + Path(name).suffix
    before = rows(run, "film")
    run.ok("media", verb, *words, "--out", made)
    assert (run.folder / made).stat().st_size > 0
    assert rows(run, "film") == before
    refused(run("media", verb, *words, "--out", f"no/{made}"), 6, "there is no folder for")
    (run.folder / "folder").mkdir()
    refused(run("media", verb, *words, "--out", "folder"), 2, "folder is a folder")


@pytest.mark.parametrize("verb", MADE)
def test_a_file_never_replaces_itself(run: Runner, verb: str) -> None:
    itself = "film" + Path(MADE[verb][1]).suffix
    (run.folder / itself).write_bytes((run.folder / "film.mp4").read_bytes())
    content = (run.folder / itself).read_bytes()
    words = [itself, *MADE[verb][0][1:], "--out", itself, "--force"]
    refused(run("media", verb, *words), 2, "that would replace the file itself")
    assert (run.folder / itself).read_bytes() == content


@pytest.mark.parametrize("verb", ["thumb", "sheet"])
@pytest.mark.parametrize(
    ("name", "form"), [("a.png", "PNG"), ("a.webp", "WEBP"), ("A.JPEG", "JPEG"), ("a.jpg", "JPEG")]
)
def test_a_picture_is_what_its_ending_says(run: Runner, verb: str, name: str, form: str) -> None:
    for subject in ("film", "film.mp4"):
        run.ok("media", verb, subject, "--out", name, "--force")
        with Image.open(run.folder / name) as image:
            assert image.format == form


def test_endings_of_other_formats_are_refused(run: Runner) -> None:
    before = files_below(run.folder)
    for verb in ("thumb", "sheet"):
        for name in ("a.gif", "a", "a.mp4", "a.bmp"):
            result = run("media", verb, "film", "--out", name)
            refused(result, 2, f"'{name}' would have to end in .jpg, .jpeg, .png or .webp")
            assert "hint: --out a.jpg" in result.err
    refused(run("media", "preview", "film", "--out", "a.gif"), 2, "would have to end in .webp")
    refused(run("media", "peaks", "film", "--out", "a.dat"), 2, "would have to end in .json")
    refused(run("media", "audio", "film", "--out", "a.ogg"), 2, "does not end in .opus, .mp3 or .")
    refused(run("media", "storyboard", "film", "--out", "a.jpg"), 2, "is the name of a file")
    assert files_below(run.folder) == before
    run.ok("media", "audio", "film", "--format", "opus", "--out", "a.ogg")
    assert (run.folder / "a.ogg").read_bytes()[:4] == b"OggS"


# --- what is named ------------------------------------------------------------------------------

SUBJECTS = ("probe", "thumb", "sheet", "storyboard", "audio", "peaks", "preview")


@pytest.mark.parametrize("verb", SUBJECTS)
def test_a_file_that_is_missing_is_told_as_by_upload(run: Runner, verb: str) -> None:
    told = "nofile.wav: does not exist"
    refused(run("media", verb, "nofile.wav"), 6, told, "check the path", "vidctl videos list")
    assert told in run("upload", "nofile.wav").err
    refused(run("media", verb, "no/file"), 6, "no/file: does not exist")
    item = run("media", verb, "nofile")
    refused(item, 6, "no item here is called 'nofile'", "vidctl videos list", "a file is named")
    refused(run("media", verb, "https://example.org/a.mp4"), 6, "this is a web address")
    refused(run("media", verb, "."), 1, "this is a folder, not a media file")


@pytest.mark.parametrize("verb", SUBJECTS)
def test_work_on_a_file_needs_no_library(
    run: Runner,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
) -> None:
    monkeypatch.delenv("VIDCTL_DB", raising=False)
    alone = Runner(monkeypatch, tmp_path_factory.mktemp("alone"))
    (alone.folder / "film.mp4").write_bytes((run.folder / "film.mp4").read_bytes())
    made = alone.ok("media", verb, "film.mp4", "--json").data
    assert (made["item"], made["source"]) == (None, "film.mp4")
    assert (len(files_below(alone.folder)) == 1) == (verb in ("probe", "peaks"))
    refused(alone("media", verb, "film"), 10, "there is no vidctl library at", "hint: vidctl init")
    refused(alone("media", verb, "nofile.wav"), 6, "nofile.wav: does not exist")
    assert not (alone.folder / ".vidctl").exists()


# --- what tags say ------------------------------------------------------------------------------


def test_chapters_and_numbers_are_shown_as_people_write_them(run: Runner) -> None:
    sound = make_audio(run.folder / "a.mp3", 3, codec="libmp3lame", tags={"track": "7/12"})
    with_chapters(sound, run.folder / "episode.mp3", ["Hello, all", "The end"], 1.2)
    run.ok("upload", "episode.mp3")
    data = run.ok("podcasts", "show", "episode", "--json").data["properties"]
    assert [each["title"] for each in data["chapters"]] == ["Hello, all", "The end"]
    shown = run.ok("podcasts", "show", "episode").out
    assert "\nchapters\n  00:00  Hello, all\n  00:01  The end\n" in shown
    assert "{" not in shown
    assert "LUFS" in shown
    run.ok("upload", "a.mp3")
    assert "episodeNumber  7\n" in run.ok("podcasts", "show", "a").out
    assert run.ok("podcasts", "show", "a", "--fields", "episodeNumber").out == "7\n"


# --- files that end early -----------------------------------------------------------------------


def test_an_item_that_was_cut_short_is_marked_everywhere(run: Runner) -> None:
    whole = make_video(run.folder / "w.mp4", 20, options={"movflags": "+faststart"})
    cut(whole, run.folder / "part.mp4")
    run.ok("upload", "part.mp4", "--allow-truncated")
    shown = run.ok("videos", "show", "part").out
    assert "00:11 (cut short)" in shown
    assert "cut short\n" in shown.partition("media ")[2]
    listed = run.ok("videos", "list", tty=True).out.splitlines()
    assert [line for line in listed if "(cut short)" in line] == [
        line for line in listed if line.startswith("part ")
    ]
    assert run.ok("videos", "show", "part", "--json").data["properties"]["media"]["truncated"]
    states = {each["role"]: each["truncated"] for each in rows(run, "part")}
    assert states == {"source": True, "thumbnail": False}
    assert not any(each["truncated"] for each in rows(run, "film"))
    assert "cut short" in run.ok("media", "list", "part", tty=True).out


@pytest.mark.parametrize("verb", ["sheet", "preview", "storyboard"])
def test_there_is_no_picture_in_sound(run: Runner, verb: str) -> None:
    before = files_below(run.folder)
    refused(run("media", verb, "talk"), 1, f"talk: there is no picture to make a {verb} of")
    refused(run("media", verb, "talk.wav"), 1, f"there is no picture to make a {verb} of")
    assert files_below(run.folder) == before


def test_a_rehearsal_makes_nothing(run: Runner) -> None:
    before = files_below(run.folder)
    for verb, (words, name) in MADE.items():
        result = run.ok("media", verb, *words, "-n")
        assert "would make" in result.out
        assert "nothing was changed" in result.err
        assert f": {name}" in run.ok("media", verb, "film.mp4", *words[1:], "-n").out
    run.ok("media", "storyboard", "film", "-n")
    run.ok("media", "peaks", "film", "--store", "-n")
    run.ok("media", "peaks", "film", "--out", "p.json", "-n")
    assert files_below(run.folder) == before


def test_sound_is_kept_in_several_formats(run: Runner) -> None:
    run.ok("media", "audio", "film")
    run.ok("media", "audio", "film", "--format", "mp3", "--bitrate", "32k")
    first = [each for each in rows(run, "film") if each["role"] == "audio"]
    assert [each["filename"] for each in first] == ["film.opus", "film.mp3"]
    run.ok("media", "audio", "film", "--bitrate", "16k")
    second = [each for each in rows(run, "film") if each["role"] == "audio"]
    assert [each["filename"] for each in second] == ["film.mp3", "film.opus"]
    assert not held(run, first[0]).exists()
    assert run.ok("media", "probe", held(run, second[0]), "--json").data["tags"]["title"] == "Film"
    refused(run("media", "audio", "film", "--format", "wav", "--bitrate", "32k"), 2, "no bit rate")
    refused(run("media", "audio", "film", "--bitrate", "lots"), 2, "'lots' is not a bit rate")
    refused(run("media", "audio", "film", "--rate", "44100", "-n"), 2, "opus has no sample rate")


def test_what_is_made_goes_with_the_item(run: Runner) -> None:
    for verb, (words, _) in MADE.items():
        run.ok("media", verb, *words)
    run.ok("media", "storyboard", "film", "--every", "1")
    run.ok("media", "peaks", "film", "--store")
    files = [held(run, each) for each in rows(run, "film")]
    assert len(files) == 8
    assert all(file.exists() for file in files)
    run.ok("videos", "rm", "film", "--purge", "--yes")
    assert not any(file.exists() for file in files)
    run.ok("doctor")


def test_an_item_of_a_group_below_keeps_its_own_there(run: Runner) -> None:
    run.ok("groups", "add", "default/below")
    make_video(run.folder / "deep.mp4", 2)
    run.ok("upload", "deep.mp4", "-g", "default/below")
    run.ok("media", "sheet", "deep", "-r")
    run.ok("media", "thumb", "deep", "--at", "0:01", "-r")
    listed = rows(run, "deep", "-g", "default/below")
    assert [each["role"] for each in listed] == ["source", "thumbnail", "sheet"]
    assert len({each["locator"].split("/")[0] for each in listed}) == 1
    run.ok("doctor")
    run.ok("groups", "archive", "default/below")
    refused(run("media", "preview", "deep", "-r"), 9, "the group default/below is archived")
    run.ok("media", "preview", "deep", "-r", "--out", "deep.webp")


# --- storyboards --------------------------------------------------------------------------------


def sheets_of(cues: Path) -> list[Path]:
    """Where a player that reads the cues finds the pictures, one for each cue."""
    found: list[Path] = []

    def follow(address: str) -> str:
        found.append((cues.parent / address).resolve())
        return address

    readdressed(cues.read_text(encoding="utf-8"), follow)
    return found


def test_the_cues_of_an_item_lead_to_its_pictures(run: Runner) -> None:
    made = run.ok("media", "storyboard", "film", "--every", "1", "--json").data
    assert (made["pictures"], made["width"], made["height"]) == (4, 160, 90)
    cues = held(run, row(run, "film", "storyboard_cues"))
    sprite = held(run, row(run, "film", "storyboard"))
    assert sheets_of(cues) == [sprite.resolve()] * 4
    assert [cue.start for cue in vtt.parse(cues.read_bytes())] == [0, 1, 2, 3]
    assert made["url"].endswith(cues.name)
    assert made["sheets"] == [f"./media/{row(run, 'film', 'storyboard')['locator']}"]


def test_several_sheets_give_way_to_one(run: Runner) -> None:
    run.ok("media", "storyboard", "film", "--every", "1", "--tiles", "1x2")
    first = [each for each in rows(run, "film") if each["role"] == "storyboard"]
    assert [each["filename"] for each in first] == ["storyboard-1.jpg", "storyboard-2.jpg"]
    cues = held(run, row(run, "film", "storyboard_cues"))
    places = [held(run, each).resolve() for each in first]
    assert sheets_of(cues) == [places[0], places[0], places[1], places[1]]
    run.ok("media", "storyboard", "film", "--tiles", "2x2")
    assert row(run, "film", "storyboard")["filename"] == "storyboard.jpg"
    assert not any(place.exists() for place in (*places, cues))
    run.ok("doctor")


def test_a_storyboard_in_a_folder_is_whole_by_itself(run: Runner) -> None:
    for words in (["film.mp4"], ["film", "--out", "film.storyboard", "--force"]):
        made = run.ok(
            "media", "storyboard", *words, "--every", "1", "--tiles", "3x1", "--json"
        ).data
        folder = run.folder / "film.storyboard"
        names = ["storyboard-1.jpg", "storyboard-2.jpg", "storyboard.vtt"]
        assert sorted(file.name for file in folder.iterdir()) == names
        assert {file.name for file in sheets_of(folder / "storyboard.vtt")} == set(names[:2])
        assert made["file"] == "film.storyboard/storyboard.vtt"
    refused(run("media", "storyboard", "film.mp4"), 9, "exists already")
    refused(run("media", "storyboard", "film", "--out", "film.mp4"), 2, "film.mp4 is a file")
    assert len(rows(run, "film")) == 2


def test_mistakes_about_storyboards(run: Runner) -> None:
    refused(run("media", "storyboard", "film", "--tiles", "5"), 2, "not a number of columns")
    refused(run("media", "storyboard", "film", "--tiles", "0x5"), 2, "1 to 20 columns and rows")
    refused(run("media", "storyboard", "film", "--every", "0.0001"), 2, "at least 0.1 s apart")


# --- waveforms ----------------------------------------------------------------------------------


def test_a_waveform_is_shown_written_or_kept(run: Runner) -> None:
    before = rows(run, "film")
    shown = run.ok("media", "peaks", "film", tty=True)
    assert "█" in shown.out
    assert all(len(line) <= 80 for line in shown.out.splitlines())
    data = run.ok("media", "peaks", "film", "--points", "100", "--json").data
    assert (data["version"], data["bits"], len(data["data"])) == (2, 8, 2 * data["length"])
    assert rows(run, "film") == before
    run.ok("media", "peaks", "film", "--points", "100", "--out", "film.json")
    written = json.loads((run.folder / "film.json").read_bytes())
    assert written == {key: data[key] for key in written}
    assert list(written) == [
        *("version", "channels", "sample_rate", "samples_per_pixel", "bits", "length", "data")
    ]
    run.ok("media", "peaks", "film", "--points", "100", "--store")
    kept = row(run, "film", "peaks")
    assert held(run, kept).read_bytes() == (run.folder / "film.json").read_bytes()
    refused(run("media", "peaks", "film.mp4", "--store"), 2, "nowhere to keep")
    refused(run("media", "peaks", "film", "--store", "--out", "x.json"), 2, "exclude each other")


# --- when something breaks ----------------------------------------------------------------------


@pytest.mark.parametrize("point", ["copy.open", "copy.write", "copy.fsync", "copy.replace"])
@pytest.mark.parametrize("fault", ["enospc", "eio"])
def test_a_disk_that_fails_leaves_what_was_there(run: Runner, point: str, fault: str) -> None:
    before, shown = rows(run, "film"), thumbnail(run)
    failpoints.arm(f"{point}:1:{fault}")
    refused(run("media", "thumb", "film", "--at", "0:03"), 1)
    failpoints.arm("")
    assert rows(run, "film") == before
    assert thumbnail(run) == shown
    assert all(held(run, each).exists() for each in before)
    run.ok("media", "thumb", "film", "--at", "0:03")
    run.ok("doctor")


@pytest.mark.parametrize("point", ["copy.replace", "copy.done", "media.kept", "media.recorded"])
def test_a_killed_command_is_run_again(run: Runner, spawn: Spawner, point: str) -> None:
    words = ("media", "thumb", "film", "--at", "0:03")
    killed = spawn(*words, env={"VIDCTL_FAILPOINT": f"{point}:1:kill"})
    assert killed.code == -signal.SIGKILL
    kept = row(run, "film", "thumbnail")
    assert held(run, kept).exists()
    assert thumbnail(run) == kept["url"]
    run.ok(*words)
    kept = row(run, "film", "thumbnail")
    assert held(run, kept).exists()
    assert thumbnail(run) == kept["url"]
    assert run.ok("media", "thumb", "film", "--at", "0:03", "--json").data["changed"] is False
