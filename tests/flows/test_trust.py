"""A project that somebody else made neither gets a key nor media until its person trusts it."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from harness import Result, Runner, Spawner, files_below, write_tone
from servers.cloudinary import CloudinaryServer

CLOUDINARY = "cloudinary://271828182845904:Pp_n0t-a-real-s3cret@demo"
S3 = "AKIAEXAMPLEKEY000001:s3cr3t/not+real0123456789abcdef"
KEYS = {"CLOUDINARY_URL": CLOUDINARY, "VIDCTL_S3_KEY": S3, "VIDCTL_SHELF_KEY": S3}


class Ear:
    """Listens on a port of its own and counts who comes; nobody should."""

    def __init__(self) -> None:
        self.heard = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.heard += 1
                connection.close()

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear()
    yield made
    made.close()


@pytest.fixture
def cloud() -> Iterator[CloudinaryServer]:
    with CloudinaryServer() as server:
        yield server


def settings_of(ear: Ear) -> str:
    return f"""
[media]
host = "s3"
[hosts.s3]
endpoint = "{ear.address}"
bucket = "films"
[hosts.cloudinary]
api = "{ear.address}"
[hosts.shelf]
kind = "s3"
endpoint = "{ear.address}"
bucket = "films"
"""


@pytest.fixture
def hostile(run: Runner, library: Path, ear: Ear) -> Path:
    """A library with an item, whose settings somebody else has written since."""
    run.ok("config", "set", "embed.engine", "none")
    run.ok("upload", write_tone(run.folder / "talk.wav"))
    project = run.folder / "vidctl.toml"
    with project.open("a", encoding="utf-8") as file:
        file.write(settings_of(ear))
    return project


def refused(result: Result, project: Path, *keys: str) -> None:
    """Check the one error: the file, the settings, the next step."""
    assert (result.code, result.out) == (4, ""), result
    said, hint, *more = result.err.splitlines()
    assert said.startswith(f"error: {project} is not trusted, and it sets "), result
    for key in keys:
        assert key in said
    assert (hint, more) == ("hint: vidctl config trust", [])


# --- nothing goes to anybody --------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["upload", "other.wav"],
        ["upload", "other.wav", "-n"],
        ["upload", "talk.wav", "other.wav", "-j", "3"],
        ["upload", "other.wav", "--to", "cloudinary"],
        ["upload", "other.wav", "--to", "shelf"],
        ["media", "move", "talk", "--to", "s3"],
        ["media", "move", "talk", "--to", "cloudinary", "-n"],
        ["media", "move", "talk", "--to", "shelf"],
        ["hosts", "verify", "cloudinary", "body", "--timestamp", "1", "--signature", "00"],
    ],
    ids=" ".join,
)
def test_what_would_use_a_host_is_refused(
    spawn: Spawner, hostile: Path, ear: Ear, words: list[str]
) -> None:
    write_tone(spawn.folder / "other.wav", pitch=220)
    (spawn.folder / "body").write_text("{}", encoding="utf-8")
    before = files_below(spawn.folder)
    result = spawn(*words, env=KEYS)
    refused(result, hostile, "media.host", "hosts.s3.endpoint", "hosts.cloudinary.api")
    assert ear.heard == 0
    assert files_below(spawn.folder) == before


@pytest.mark.parametrize(
    "words",
    [
        ["hosts", "list"],
        ["hosts", "check"],
        ["hosts", "check", "s3", "cloudinary", "shelf"],
        ["doctor"],
        ["doctor", "--verify-data", "--fix"],
        ["uploads", "list"],
        ["uploads", "resume"],
        ["uploads", "orphans"],
        ["uploads", "orphans", "--host", "s3"],
        ["media", "thumb", "talk"],
        ["media", "list"],
        ["cost", "estimate", "upload", "talk.wav"],
        ["keys", "list"],
        ["status"],
        ["search", "anything"],
    ],
    ids=" ".join,
)
def test_nobody_is_asked_whatever_the_command(
    spawn: Spawner, hostile: Path, ear: Ear, words: list[str]
) -> None:
    result = spawn(*words, env=KEYS)
    assert ear.heard == 0
    assert result.code != 70, result
    assert CLOUDINARY not in result.out + result.err


def test_what_needs_no_host_works_as_before(run: Runner, hostile: Path) -> None:
    assert run.ok("status", "--json").data
    run.ok("videos", "add", "--title", "Added")
    run.ok("labels", "add", "video", "added")
    run.ok("media", "list", "talk")
    run.ok("upload", write_tone(run.folder / "other.wav", pitch=220), "--to", "folder")
    run.ok("backup", "copy.db")


def test_an_upload_that_broke_off_is_not_gone_on_with(
    spawn: Spawner, run: Runner, library: Path, cloud: CloudinaryServer, ear: Ear
) -> None:
    """Its half is at the host that was trusted; the other half must not go to another one."""
    run.ok("config", "set", "embed.engine", "none")
    run.ok("config", "set", "hosts.cloudinary.api", cloud.address)
    write_tone(run.folder / "talk.wav")
    cloud.fault = lambda call: "401" if call["what"] == "upload" else ""
    broken = run("upload", "talk.wav", "--to", "cloudinary", env=KEYS)
    assert broken.code in (3, 4), broken
    assert run.ok("uploads", "list", "--json").data["total"] == 1
    project = run.folder / "vidctl.toml"
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace(cloud.address, ear.address), encoding="utf-8")
    calls = len(cloud.calls)
    resumed = spawn("uploads", "resume", env=KEYS)
    assert (resumed.code, ear.heard, len(cloud.calls)) == (4, 0, calls), resumed
    assert f"{project} is not trusted, and it sets hosts.cloudinary.api" in resumed.err


def test_hosts_list_and_check_and_doctor_say_so(run: Runner, hostile: Path) -> None:
    listed = {item["name"]: item for item in run.ok("hosts", "list", "--json").data["items"]}
    assert f"{hostile} is not trusted" in listed["s3"]["problem"]
    assert listed["folder"]["problem"] == ""
    assert listed["s3"]["default"] is True
    checked = run("hosts", "check", "--json", env=KEYS)
    assert checked.code == 7
    items = {item["name"]: item for item in checked.envelope["data"]["items"]}
    assert {name for name, item in items.items() if item["ok"]} == {"folder"}
    assert items["shelf"]["hint"] == "vidctl config trust"
    doctor = run("doctor", "--json", env=KEYS)
    found = {item["check"]: item for item in doctor.envelope["data"]["items"]}
    assert (doctor.code, found["host s3"]["ok"]) == (7, False)
    assert found["host s3"]["hint"] == "vidctl config trust"
    assert found["media files"]["ok"] is True


def test_the_settings_are_shown_as_what_they_are(run: Runner, hostile: Path, ear: Ear) -> None:
    shown = run.ok("config", "show")
    assert f"hosts.s3.endpoint\t{ear.address}\t{hostile} (not trusted)" in shown.out
    assert shown.err == f"{hostile} is not trusted: vidctl config trust\n"
    got = run.ok("config", "get", "hosts.s3.endpoint", "--json").data
    assert (got["value"], got["trusted"]) == (ear.address, False)
    assert run.ok("config", "get", "embed.engine", "--json").data["trusted"] is True


def test_a_key_is_not_kept_for_a_kind_that_somebody_else_chose(run: Runner, hostile: Path) -> None:
    result = run("keys", "set", "shelf", "--insecure-storage", stdin=S3)
    refused(result, hostile, "hosts.shelf.kind")
    names = {item["name"] for item in run.ok("keys", "list", "--json").data["items"]}
    assert names == {"cloudinary", "openai", "s3"}


# --- links, folders, the library ----------------------------------------------------------------


def test_links_do_not_lead_where_the_project_says(
    spawn: Spawner, run: Runner, library: Path, ear: Ear
) -> None:
    project = run.folder / "vidctl.toml"
    with project.open("a", encoding="utf-8") as file:
        file.write('[net]\nallow_private = "127.0.0.0/8"\n')
    run.ok("config", "set", "embed.engine", "none")
    run.ok("upload", write_tone(run.folder / "of-mine.wav"))
    result = spawn("upload", f"{ear.address}/talk.wav")
    refused(result, project, "net.allow_private")
    assert ear.heard == 0
    run.ok("config", "trust", "--yes")
    spawn("upload", f"{ear.address}/talk.wav")
    assert ear.heard > 0


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[media]\nfolder = "../taken"\n', "media.folder"),
        ('[media]\nfolder = "~/taken"\n', "media.folder"),
        ('[media]\nfolder = "link/taken"\n', "media.folder"),
        ('[hosts.shelf]\nkind = "folder"\npath = "../taken"\n', "hosts.shelf.path"),
    ],
)
def test_media_do_not_leave_the_project_unasked(
    run: Runner, library: Path, home: Path, text: str, key: str
) -> None:
    project = run.folder / "vidctl.toml"
    (run.folder / "link").symlink_to(home)
    with project.open("a", encoding="utf-8") as file:
        file.write(text)
    words = ["upload", write_tone(run.folder / "talk.wav")]
    refused(run(*words, *(["--to", "shelf"] if "shelf" in key else [])), project, key)
    assert not list(home.glob("**/taken"))
    assert not list(run.folder.parent.glob("taken"))


def test_folders_inside_the_project_need_no_trust(run: Runner, library: Path) -> None:
    project = run.folder / "vidctl.toml"
    with project.open("a", encoding="utf-8") as file:
        file.write('[media]\nfolder = "films"\n')
    run.ok("config", "set", "embed.engine", "none")
    run.ok("upload", write_tone(run.folder / "talk.wav"))
    assert list((run.folder / "films").rglob("*.wav"))


def test_a_library_elsewhere_is_not_opened_unasked(
    run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for folder in (mine, theirs):
        folder.mkdir()
    Runner(monkeypatch, mine).ok("init")
    there = Runner(monkeypatch, theirs)
    project = theirs / "vidctl.toml"
    project.write_text('db = "../mine/.vidctl/library.db"\n', encoding="utf-8")
    refused(there("videos", "add", "--title", "Stray"), project, "db")
    paths = there("config", "path", "--json")
    items = {item["name"]: item["path"] for item in paths.data["items"]}
    assert (items["library"], items["media"]) == ("", "")
    assert paths.envelope["notes"] == [f"{project} is not trusted: vidctl config trust"]
    there.ok("videos", "list", "--db", mine / ".vidctl" / "library.db")
    there.ok("config", "trust", "--yes")
    there.ok("videos", "add", "--title", "Meant")


@pytest.mark.parametrize("text", ['[hosts.s3]\nendpoint = ""\n', '[media]\nhost = "folder"\n'])
def test_saying_what_counts_anyway_needs_no_trust(run: Runner, library: Path, text: str) -> None:
    project = run.folder / "vidctl.toml"
    with project.open("a", encoding="utf-8") as file:
        file.write(text)
    run.ok("upload", write_tone(run.folder / "talk.wav"))
    assert run.ok("config", "trust").out.endswith(f"trusted already: {project}\n")


def test_what_the_user_set_is_not_taken_back_unasked(run: Runner, library: Path, ear: Ear) -> None:
    """An empty value means Amazon, and the key is one of another service."""
    run.ok("config", "set", "hosts.s3.endpoint", ear.address, "--user")
    run.ok("config", "set", "hosts.s3.bucket", "films", "--user")
    project = run.folder / "vidctl.toml"
    with project.open("a", encoding="utf-8") as file:
        file.write('[hosts.s3]\nendpoint = ""\n')
    write_tone(run.folder / "talk.wav")
    refused(run("upload", "talk.wav", "--to", "s3", env=KEYS), project, "hosts.s3.endpoint")


def test_flags_and_variables_are_the_persons_own(
    run: Runner, hostile: Path, cloud: CloudinaryServer, ear: Ear
) -> None:
    env = {
        **KEYS,
        "VIDCTL_HOSTS_CLOUDINARY_API": cloud.address,
        "CLOUDINARY_URL": cloud.key_text,
    }
    run.ok("upload", write_tone(run.folder / "b.wav", pitch=220), "--to", "cloudinary", env=env)
    assert cloud.of("upload")
    assert ear.heard == 0


# --- trusting -----------------------------------------------------------------------------------


@pytest.fixture
def waiting(run: Runner, library: Path, cloud: CloudinaryServer) -> Path:
    """A project that names a host, and came from elsewhere."""
    run.ok("config", "set", "embed.engine", "none")
    project = run.folder / "vidctl.toml"
    with project.open("a", encoding="utf-8") as file:
        file.write(f'[hosts.cloudinary]\napi = "{cloud.address}"\nfolder = "films"\n')
    write_tone(run.folder / "talk.wav")
    return project


UPLOAD = ("upload", "talk.wav", "--to", "cloudinary")


def env_of(cloud: CloudinaryServer) -> dict[str, str]:
    return {"CLOUDINARY_URL": cloud.key_text}


def test_what_is_trusted_works_until_it_changes(
    run: Runner, waiting: Path, cloud: CloudinaryServer, ear: Ear, home: Path
) -> None:
    refused(run(*UPLOAD, env=env_of(cloud)), waiting, "hosts.cloudinary.api")
    rehearsed = run.ok("config", "trust", "-n")
    assert rehearsed.out.endswith(f"would trust: {waiting}\n")
    refused(run(*UPLOAD, env=env_of(cloud)), waiting)
    asked = run("config", "trust")
    assert (asked.code, asked.out) == (2, "")
    assert "hosts.cloudinary.api" in asked.err
    assert asked.err.endswith("hint: add --yes to do it\n")
    trusted = run.ok("config", "trust", "--yes")
    assert trusted.out == (
        f"hosts.cloudinary.api = {cloud.address}\nhosts.cloudinary.folder = films\n"
        f"trusted: {waiting}\n"
    )
    listed = home / "vidctl" / "config" / "trusted.json"
    assert stat.S_IMODE(listed.stat().st_mode) == 0o600
    assert cloud.address not in listed.read_text(encoding="utf-8")
    run.ok(*UPLOAD, env=env_of(cloud))
    assert cloud.of("upload")
    # Other settings, comments and order do not matter …
    text = waiting.read_text(encoding="utf-8")
    waiting.write_text(f"# mine\n{text}[search]\nlimit = 3\n", encoding="utf-8")
    run.ok("hosts", "check", "cloudinary", env=env_of(cloud))
    # … these do, and going back is what was trusted.
    waiting.write_text(text.replace(cloud.address, ear.address), encoding="utf-8")
    again = run("uploads", "orphans", "--host", "cloudinary", env=env_of(cloud))
    assert (again.code, ear.heard) == (4, 0), again
    waiting.write_text(text.replace('folder = "films"\n', ""), encoding="utf-8")
    assert run("hosts", "check", "cloudinary", env=env_of(cloud)).code == 7
    waiting.write_text(text, encoding="utf-8")
    run.ok("hosts", "check", "cloudinary", env=env_of(cloud))


def test_trust_is_taken_back(run: Runner, waiting: Path, cloud: CloudinaryServer) -> None:
    assert run.ok("config", "trust", "--remove").out == f"{waiting} was not trusted\n"
    run.ok("config", "trust", "--yes")
    would = run.ok("config", "trust", "--remove", "-n").out
    assert would == f"would no longer trust: {waiting}\n"
    run.ok("hosts", "check", "cloudinary", env=env_of(cloud))
    assert run.ok("config", "trust", "--remove").out == f"no longer trusted: {waiting}\n"
    refused(run(*UPLOAD, env=env_of(cloud)), waiting)


def test_a_terminal_is_asked_and_shown_the_values(
    run: Runner, waiting: Path, cloud: CloudinaryServer
) -> None:
    no = run("config", "trust", tty=True, stdin="n\n")
    assert (no.code, f"hosts.cloudinary.api = {cloud.address}" in no.err) == (2, True)
    refused(run(*UPLOAD, env=env_of(cloud)), waiting)
    assert run("config", "trust", tty=True, stdin="y\n").code == 0
    run.ok(*UPLOAD, env=env_of(cloud))


def test_values_that_would_fool_the_eye_are_made_visible(run: Runner, waiting: Path) -> None:
    with waiting.open("a", encoding="utf-8") as file:
        file.write('notification_url = "https://good.example\\u202e\\u001b[2K"\n')
    said = run.ok("config", "trust", "--yes").out
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_a_setting_that_is_set_by_command_is_trusted(
    run: Runner, library: Path, cloud: CloudinaryServer, ear: Ear
) -> None:
    run.ok("config", "set", "embed.engine", "none")
    run.ok("config", "set", "hosts.cloudinary.api", cloud.address)
    run.ok("config", "set", "hosts.cloudinary.folder", "films")
    write_tone(run.folder / "talk.wav")
    run.ok(*UPLOAD, env=env_of(cloud))
    run.ok("config", "unset", "hosts.cloudinary.folder")
    run.ok("hosts", "check", "cloudinary", env=env_of(cloud))
    project = run.folder / "vidctl.toml"
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace(cloud.address, ear.address), encoding="utf-8")
    refused(run(*UPLOAD, env=env_of(cloud)), project, "hosts.cloudinary.api")
    # Setting the one that is not trusted leaves nothing that is not.
    run.ok("config", "set", "hosts.cloudinary.api", cloud.address)
    run.ok(*UPLOAD, env=env_of(cloud))


def test_setting_one_value_does_not_trust_the_others(run: Runner, hostile: Path, ear: Ear) -> None:
    result = run.ok("config", "set", "hosts.s3.bucket", "mine")
    assert f"{hostile} is not trusted, as it also sets media.host" in result.err
    assert "vidctl config trust" in result.err
    assert 'bucket = "mine"' in hostile.read_text(encoding="utf-8")
    refused(run("upload", "talk.wav", "--to", "s3", env=KEYS), hostile)
    assert ear.heard == 0


def test_trust_belongs_to_a_place(
    run: Runner,
    waiting: Path,
    cloud: CloudinaryServer,
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
) -> None:
    run.ok("config", "trust", "--yes")
    env = env_of(cloud)
    # A folder that leads there by a link is the same place.
    (home / "link").symlink_to(run.folder)
    Runner(monkeypatch, home / "link").ok("hosts", "check", "cloudinary", env=env)
    # A copy is another one, and so is a link to the file that lies elsewhere.
    for number, make in enumerate((_copied, _linked)):
        other = home / f"other-{number}"
        other.mkdir()
        make(waiting, other / "vidctl.toml")
        there = Runner(monkeypatch, other)
        assert there("hosts", "check", "cloudinary", env=env).code == 7
        assert there.ok("config", "get", "hosts.cloudinary.api", "--json").data["trusted"] is False
    # One inside is asked about by itself.
    below = run.folder / "below"
    below.mkdir()
    inner = Runner(monkeypatch, below)
    inner.ok("hosts", "check", "cloudinary", env=env)
    _copied(waiting, below / "vidctl.toml")
    assert inner("hosts", "check", "cloudinary", env=env).code == 7
    inner.ok("config", "trust", "--yes")
    inner.ok("hosts", "check", "cloudinary", env=env)
    run.ok("hosts", "check", "cloudinary", env=env)
    moved = run.folder.rename(home / "moved")
    assert Runner(monkeypatch, moved)("hosts", "check", "cloudinary", env=env).code == 7


def _copied(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes())


def _linked(source: Path, target: Path) -> None:
    target.symlink_to(source)


def test_two_commands_at_once_lose_nothing(
    spawn: Spawner, run: Runner, library: Path, cloud: CloudinaryServer
) -> None:
    values = {f"hosts.cloudinary.{key}": key for key in ("folder", "preset", "cloud", "prefix")}
    values["hosts.cloudinary.api"] = cloud.address
    started = [spawn.start("config", "set", key, value) for key, value in values.items()]
    for process in started:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, (out, err)
    shown = run.ok("config", "trust", "--json").data
    assert {item["key"]: item["value"] for item in shown["items"]} == values
    assert shown["changed"] is False


def test_nothing_to_trust(run: Runner, tmp_path: Path) -> None:
    nowhere = run("config", "trust", "--yes")
    assert (nowhere.code, nowhere.err.endswith("hint: vidctl init\n")) == (6, True)
    run.ok("init")
    said = f"{tmp_path / 'vidctl.toml'} sets nothing that needs trust\n"
    assert run.ok("config", "trust").out == said


# --- the list of what is trusted ----------------------------------------------------------------


@pytest.fixture
def listed(run: Runner, waiting: Path, home: Path) -> Path:
    """The list with one project."""
    run.ok("config", "trust", "--yes")
    return home / "vidctl" / "config" / "trusted.json"


def _foreign(file: Path) -> None:
    os.chown(file, 12345, -1)


def _linked_list(file: Path) -> None:
    file.rename(file.with_name("elsewhere.json")).chmod(0o600)
    file.symlink_to("elsewhere.json")


def _garbled(file: Path) -> None:
    file.write_text("[1, 2", encoding="utf-8")


def _misshapen(file: Path) -> None:
    file.write_text('{"/some/vidctl.toml": "all"}', encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        (lambda file: file.chmod(0o666), 4, "others can write"),
        (lambda file: file.chmod(0o620), 4, "others can write"),
        (lambda file: file.parent.chmod(0o777), 4, "others can write in"),
        (_linked_list, 4, "is a link"),
        (_garbled, 2, "is not a list of trusted files"),
        (_misshapen, 2, "is not a list of trusted files"),
        pytest.param(
            *(_foreign, 4, "belongs to somebody else"),
            marks=pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="needs root"),
        ),
    ],
)
def test_a_list_that_others_may_have_written_says_nothing(
    run: Runner, listed: Path, cloud: CloudinaryServer, spoil: Any, code: int, said: str
) -> None:
    before = listed.read_bytes()
    spoil(listed)
    calls = len(cloud.calls)
    used = run(*UPLOAD, env=env_of(cloud))
    assert (used.code, used.out, len(cloud.calls)) == (code, "", calls), used
    assert (used.err.count("error:"), used.err.count("hint:")) == (1, 1)
    assert said in used.err
    assert run.ok("config", "get", "hosts.cloudinary.api", "--json").data["trusted"] is False
    assert run.ok("config", "set", "search.limit", "3")
    if "folder" not in said and listed.read_bytes() == before:
        assert run.ok("hosts", "list")


def test_a_list_that_cannot_be_written_leaves_the_settings(
    run: Runner, listed: Path, waiting: Path
) -> None:
    listed.write_text("[", encoding="utf-8")
    before = waiting.read_bytes()
    result = run("config", "set", "hosts.cloudinary.folder", "other")
    assert (result.code, result.out) == (2, "")
    assert waiting.read_bytes() == before


@pytest.mark.parametrize("action", ["kill", "enospc"])
@pytest.mark.parametrize("visit", [1, 2, 3])
def test_a_command_that_ends_in_the_middle_leaves_a_trusted_file(
    spawn: Spawner,
    run: Runner,
    listed: Path,
    waiting: Path,
    cloud: CloudinaryServer,
    visit: int,
    action: str,
) -> None:
    """The first write is the list, the second the settings, the third the list again."""
    before = json.loads(listed.read_text(encoding="utf-8"))
    text = waiting.read_text(encoding="utf-8")
    env = {"VIDCTL_FAILPOINT": f"copy.replace:{visit}:{action}"}
    ended = spawn("config", "set", "hosts.cloudinary.folder", "other", env=env)
    assert ended.code != 0, ended
    is_written = waiting.read_text(encoding="utf-8") != text
    assert is_written is (visit == 3)
    if action == "enospc" and visit < 3:
        assert json.loads(listed.read_text(encoding="utf-8")) == before
        assert ended.err.startswith("error: no space is left")
    run.ok("hosts", "check", "cloudinary", env=env_of(cloud))


# --- links of the folder itself -----------------------------------------------------------------


@pytest.mark.parametrize(
    "place", [".vidctl", ".vidctl/library.db", ".vidctl/media", ".vidctl/cache"]
)
def test_a_link_out_of_the_project_needs_trust(run: Runner, library: Path, place: str) -> None:
    """A repository can bring links as it can bring settings."""
    project = run.folder
    outside, other = (project.with_name(f"{project.name}-{name}") for name in ("one", "two"))
    for name in ("media", "cache"):
        (project / ".vidctl" / name).mkdir(exist_ok=True)
    (project / place).rename(outside)
    (project / place).symlink_to(outside)
    for words in (["doctor", "--fix"], ["videos", "list"], ["upload", "nothing.wav"]):
        result = run(*words)
        assert result.code == 4, result
        assert f"leads out of the project to {outside}" in result.err
    shown = run.ok("config", "trust", "--yes")
    assert str(outside) in shown.out
    run.ok("videos", "list")
    (project / place).unlink()
    outside.rename(other)
    (project / place).symlink_to(other)
    assert run("videos", "list").code == 4, "the link leads elsewhere now"


def test_mending_follows_no_link_of_its_own_folders(run: Runner, library: Path) -> None:
    victim = run.folder / "victim"
    for name in ("my-thesis", "fetched-letters"):
        (victim / name).mkdir(parents=True)
        for place in (victim / name, victim):
            os.utime(place, (0, 0))
    cache = run.folder / ".vidctl" / "cache"
    cache.mkdir(exist_ok=True)
    cache.rmdir()
    cache.symlink_to(victim)
    run.ok("doctor", "--fix")
    assert sorted(each.name for each in victim.iterdir()) == ["fetched-letters", "my-thesis"]


def test_a_name_that_is_a_way_out_names_no_file(run: Runner, library: Path) -> None:
    import sqlite3

    from media_samples import make_video

    make_video(run.folder / "film.mp4", 1)
    holiday = run.folder / "holiday.jpg"
    holiday.write_bytes(b"mine")
    shown = run.ok("upload", "film.mp4", "--json").data["items"][0]["id"]
    with sqlite3.connect(run.folder / ".vidctl" / "library.db") as database:
        database.execute(
            "UPDATE things SET slug = ? WHERE type = 'video'", (str(holiday.with_suffix("")),)
        )
    database.close()
    run("media", "thumb", shown)
    assert holiday.read_bytes() == b"mine"


def test_init_writes_through_no_link(run: Runner, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (run.folder / "mine").mkdir()
    (run.folder / "mine" / ".vidctl").symlink_to(outside)
    assert run("init", "mine").code == 2
    (run.folder / "other" / ".vidctl").mkdir(parents=True)
    (run.folder / "other" / ".vidctl" / ".gitignore").symlink_to(outside / "new")
    run("init", "other")
    assert list(outside.iterdir()) == []
