"""``vidctl keys`` as people and scripts use it: never an argument, never shown, never half kept."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Result, Runner, Spawner, files_below

VALUE = "sk-not-a-real-key-0123456789"
CLOUDINARY = "cloudinary://271828182845904:Pp_n0t-a-real-s3cret@demo"
BACKENDS = Path(__file__).parents[1] / "unit" / "keys"


@pytest.fixture
def credentials(home: Path) -> Path:
    return home / "vidctl" / "config" / "credentials.toml"


@pytest.fixture
def ring(tmp_path: Path) -> dict[str, str]:
    """Variables that give a process a keyring."""
    return {
        "PYTHON_KEYRING_BACKEND": "backends.FileRing",
        "PYTHONPATH": str(BACKENDS),
        "TEST_KEYRING": str(tmp_path / "ring.json"),
    }


def nothing_of(value: str, result: Result) -> bool:
    """Tell whether a command printed nothing of a key, not even its beginning."""
    return value[:8] not in result.out + result.err


def listed(run: Runner, name: str) -> dict[str, object]:
    items = run.ok("keys", "list", "--json").data["items"]
    return next(item for item in items if item["name"] == name)


# --- without a keyring --------------------------------------------------------------------------


def test_without_a_keyring_nothing_is_kept_unasked(run: Runner, credentials: Path) -> None:
    result = run("keys", "set", "openai", stdin=VALUE + "\n")
    assert result.code == 1
    assert result.err == (
        "error: the key was not kept: this machine has no keyring\n"
        "hint: vidctl keys set openai --insecure-storage keeps it in a file\n"
    )
    assert not credentials.exists()
    rehearsed = run("keys", "set", "openai", "-n", stdin=VALUE)
    assert rehearsed.code == 1, "a rehearsal finds that out too"


def test_a_key_in_the_file_works_and_goes(run: Runner, credentials: Path) -> None:
    kept = run.ok("keys", "set", "openai", "--insecure-storage", stdin=VALUE + "\n")
    assert kept.out == f"kept the key of openai in {credentials}\n"
    assert kept.err == ""
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600
    item = listed(run, "openai")
    assert (item["set"], item["source"]) == (True, str(credentials))
    assert str(item["setAt"]).startswith("20")
    assert nothing_of(VALUE, run.ok("keys", "list"))
    assert run.ok("keys", "rm", "openai").out == f"removed the key of openai from {credentials}\n"
    assert listed(run, "openai")["set"] is False
    assert run.ok("keys", "rm", "openai").out == "no key of openai was kept\n"
    assert VALUE not in credentials.read_text(encoding="utf-8")


def test_a_rehearsal_keeps_and_removes_nothing(run: Runner, home: Path) -> None:
    run.ok("keys", "set", "openai", "--insecure-storage", stdin=VALUE)
    before = files_below(home)
    run.ok("keys", "set", "openai", "--insecure-storage", "-n", stdin=VALUE + "-other")
    said = run.ok("keys", "rm", "openai", "-n").out
    assert said.startswith("would remove the key of openai from ")
    assert files_below(home) == before


@pytest.fixture
def opened(run: Runner, credentials: Path) -> Path:
    """A file of keys that others can read."""
    run.ok("keys", "set", "openai", "--insecure-storage", stdin=VALUE)
    credentials.chmod(0o644)
    return credentials


def test_a_file_that_others_can_read_is_refused(run: Runner, opened: Path) -> None:
    before = opened.read_bytes()
    for words in (
        ["keys", "rm", "openai"],
        ["keys", "rm", "openai", "-n"],
        ["keys", "set", "openai", "--insecure-storage"],
        ["keys", "set", "openai", "--insecure-storage", "-n"],
    ):
        result = run(*words, stdin=VALUE + "-other")
        assert (result.code, result.out) == (4, ""), result
        assert result.err.count("error:") == 1
        assert f"hint: chmod 600 {opened}" in result.err
        assert nothing_of(VALUE, result)
    assert opened.read_bytes() == before
    opened.chmod(0o600)
    assert listed(run, "openai")["set"] is True


def test_the_other_keys_are_listed_beside_a_file_that_is_refused(run: Runner, opened: Path) -> None:
    env = {"CLOUDINARY_URL": CLOUDINARY}
    result = run("keys", "list", "--json", env=env)
    assert result.code == 3, result
    items = {item["name"]: item for item in result.envelope["data"]["items"]}
    assert (items["cloudinary"]["set"], items["cloudinary"]["source"]) == (True, "CLOUDINARY_URL")
    assert (items["openai"]["set"], items["s3"]["set"]) == (None, None)
    (error,) = result.envelope["errors"]
    assert (error["code"], error["hint"][:9]) == ("permission", "chmod 600")
    told = run("keys", "list", env=env)
    assert "openai\topenai\tnot known" in told.out
    assert nothing_of(VALUE, told)
    assert nothing_of(VALUE, result)
    opened.write_text("[openai\n", encoding="utf-8")
    opened.chmod(0o600)
    broken = run("keys", "list", env=env)
    assert (broken.code, broken.err.count("is not a file of keys")) == (3, 1)


def test_the_keyring_is_left_alone_where_the_file_is_refused(
    spawn: Spawner, ring: dict[str, str], opened: Path, tmp_path: Path
) -> None:
    """Both may hold a key; a command that cannot see to both changes neither."""
    (tmp_path / "ring.json").write_text(json.dumps({"vidctl/openai": VALUE}), encoding="utf-8")
    before = files_below(tmp_path, opened.parent)
    for words in (["keys", "rm", "openai"], ["keys", "set", "openai", "--from-file", "new.key"]):
        (tmp_path / "new.key").write_text(VALUE + "-new", encoding="utf-8")
        result = spawn(*words, env=ring)
        assert (result.code, result.out) == (4, ""), result
        (tmp_path / "new.key").unlink()
        assert files_below(tmp_path, opened.parent) == before


# --- files that are named -----------------------------------------------------------------------


@pytest.fixture
def readable() -> Iterator[Path]:
    """A file of a key that others can read; the folders of pytest would be in their way."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "my.key").write_text(CLOUDINARY + "\n", encoding="utf-8")
        (folder / "my.key").chmod(0o644)
        yield folder / "my.key"


def test_a_key_file_that_others_can_read_is_told(
    run: Runner, library: Path, readable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root is told nothing of files of root; here it stands for an ordinary user."""
    monkeypatch.setattr("vidctl.keys.given_file.ROOT", -1)
    note = f"others can read {readable}, which holds a key: chmod 600 {readable}"
    words = ("keys", "set", "cloudinary", "--from-file", readable, "--insecure-storage")
    assert run.ok(*words).err == f"{note}\n"
    run.ok("config", "set", "hosts.cloudinary.api", "http://127.0.0.1:9")
    env = {"VIDCTL_CLOUDINARY_KEY_FILE": str(readable)}
    checked = run("hosts", "check", "cloudinary", "--json", env=env)
    assert checked.envelope["notes"] == [note]
    readable.chmod(0o600)
    assert run("hosts", "check", "cloudinary", "--json", env=env).envelope["notes"] == []


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_key_file_that_others_can_write_is_refused(
    run: Runner, tmp_path: Path, credentials: Path, mode: int
) -> None:
    file = tmp_path / "my.key"
    file.write_text(CLOUDINARY, encoding="utf-8")
    file.chmod(mode)
    given = run("keys", "set", "cloudinary", "--from-file", file, "--insecure-storage")
    used = run("hosts", "check", "cloudinary", env={"VIDCTL_CLOUDINARY_KEY_FILE": str(file)})
    assert (given.code, given.out) == (4, "")
    assert given.err == (
        f"error: others can write {file}, so its key is not used\nhint: chmod 600 {file}\n"
    )
    assert (used.code, f"others can write {file}" in used.out) == (7, True)
    assert not credentials.exists()


def test_a_key_file_that_others_can_replace_is_refused(run: Runner, tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    (folder / "my.key").write_text(CLOUDINARY, encoding="utf-8")
    (folder / "my.key").chmod(0o600)
    folder.chmod(0o777)
    words = ("keys", "set", "cloudinary", "--from-file", "open/my.key", "--insecure-storage", "-n")
    refused = run(*words)
    assert (refused.code, refused.out) == (4, "")
    assert f"hint: chmod o-w {folder}" in refused.err
    folder.chmod(0o1777)
    run.ok(*words)


def test_from_a_file(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "my.key").write_text(CLOUDINARY + "\n", encoding="utf-8")
    run.ok("keys", "set", "cloudinary", "--from-file", "my.key", "--insecure-storage")
    assert listed(run, "cloudinary")["set"] is True
    missing = run("keys", "set", "cloudinary", "--from-file", "no.key", "--insecure-storage")
    assert (missing.code, missing.err) == (6, "error: no.key: there is no such file\n")


def test_a_key_for_a_named_host(run: Runner, library: Path) -> None:
    unknown = run("keys", "set", "archive", "--insecure-storage", stdin=VALUE)
    assert unknown.code == 6
    assert "vidctl config set hosts.NAME.kind" in unknown.err
    run.ok("config", "set", "hosts.archive.kind", "s3")
    wrong = run("keys", "set", "archive", "--insecure-storage", stdin=VALUE)
    assert wrong.code == 2
    assert "a key of archive has the form ACCESS_KEY_ID:SECRET_ACCESS_KEY" in wrong.err
    assert nothing_of(VALUE, wrong)
    run.ok("keys", "set", "archive", "--insecure-storage", stdin="AKIAEXAMPLE:abcdefghij")
    assert listed(run, "archive")["kind"] == "s3"


def test_a_variable_that_counts_first_is_told(run: Runner) -> None:
    env = {"OPENAI_API_KEY": "sk-of-the-environment-01"}
    kept = run.ok("keys", "set", "openai", "--insecure-storage", stdin=VALUE, env=env)
    assert kept.err == "OPENAI_API_KEY is set and counts before it\n"
    removed = run.ok("keys", "rm", "openai", env=env)
    assert removed.err == "the key still comes from OPENAI_API_KEY\n"


def test_mistakes_have_the_envelope(run: Runner) -> None:
    result = run("keys", "set", "openai", "--json", "--insecure-storage", stdin="two words")
    assert result.code == 2
    assert result.envelope["errors"][0]["code"] == "usage"
    empty = run("keys", "set", "openai", "--insecure-storage", stdin="")
    assert (empty.code, empty.out) == (2, "")
    assert empty.err.startswith("error: no key was given\n")


# --- never an argument --------------------------------------------------------------------------


@pytest.mark.parametrize("value", [VALUE, CLOUDINARY, "AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI"])
def test_a_key_on_the_command_line_is_refused_and_not_repeated(
    run: Runner, credentials: Path, value: str
) -> None:
    for words in (
        ["keys", "set", "openai", value],
        ["keys", "set", "openai", value, "--json", "--insecure-storage", "-v", "-v"],
        ["keys", "set", value],
        ["keys", "rm", "openai", value],
    ):
        result = run(*words, stdin=VALUE)
        assert result.code == 2, result
        assert "a key is never given as an argument" in result.err
        assert "shell may remember" in result.err
        assert nothing_of(value, result), result
    for words in (["keys", "set", "openai", f"--key={value}"], ["keys", "set", "--key", value]):
        result = run(*words)
        assert result.code == 2
        assert nothing_of(value, result), result
    assert not credentials.exists()


def test_another_name_is_not_repeated_either(run: Runner) -> None:
    """It may be a key of a form that nobody knows."""
    result = run("keys", "set", "Zx81kspecialsecret", stdin=VALUE)
    assert result.code == 6
    assert nothing_of("Zx81kspecialsecret", result)


@pytest.mark.parametrize("value", [VALUE, CLOUDINARY, "AKIAIOSFODNN7EXAMPLE", "https://u:p4ss@h/"])
def test_a_setting_takes_no_key(run: Runner, library: Path, tmp_path: Path, value: str) -> None:
    for key in ("hosts.archive.cloud", "hosts.archive.kind", "media.host", "search.limit"):
        result = run("config", "set", key, value, "-v")
        assert result.code == 2
        assert nothing_of(value, result), result
    assert "hint: vidctl keys set archive" in run("config", "set", "hosts.archive.cloud", value).err
    assert value not in (tmp_path / "vidctl.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("value", [VALUE, CLOUDINARY])
def test_a_key_that_stands_in_a_settings_file_is_not_shown(
    run: Runner, library: Path, tmp_path: Path, value: str
) -> None:
    file = tmp_path / "vidctl.toml"
    file.write_text(f'[hosts.archive]\ncloud = "{value}"\n', encoding="utf-8")
    for words in (["config", "show"], ["config", "show", "--json"], ["hosts", "list"]):
        result = run(*words)
        assert "Pp_n0t" not in result.out + result.err
        assert VALUE[:8] not in result.out + result.err
    shown = run.ok("config", "get", "hosts.archive.cloud")
    assert shown.out == "********\n"
    file.write_text(f'[hosts.archive]\nkind = "{value}"\n', encoding="utf-8")
    broken = run("config", "show", "-v", "--json")
    assert broken.code == 2
    assert "Pp_n0t" not in broken.out + broken.err
    assert VALUE not in broken.out + broken.err


# --- with a keyring, and on a terminal ----------------------------------------------------------


def test_the_keyring_of_the_system(spawn: Spawner, ring: dict[str, str], credentials: Path) -> None:
    process = spawn.start("keys", "set", "openai", "--json", env=ring)
    out, err = process.communicate(VALUE.encode(), timeout=60)
    assert (process.returncode, err) == (0, b""), out
    assert b'"source": "keyring"' in out
    assert VALUE in Path(ring["TEST_KEYRING"]).read_text(encoding="utf-8")
    assert not credentials.exists()
    shown = spawn("keys", "list", env=ring)
    assert "openai\topenai\tset\tkeyring" in shown.out
    assert spawn("keys", "rm", "openai", env=ring).out == (
        "removed the key of openai from keyring\n"
    )
    assert VALUE not in Path(ring["TEST_KEYRING"]).read_text(encoding="utf-8")


def test_a_terminal_is_asked_and_shows_nothing(
    spawn: Spawner, ring: dict[str, str], tmp_path: Path
) -> None:
    """On a real terminal: what is typed does not appear, and is kept."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "vidctl", "keys", "set", "openai"],
        cwd=tmp_path,
        env=spawn.environment(ring),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(slave)
    shown = _until(master, b"key of openai: ")
    os.write(master, VALUE.encode() + b"\n")
    shown += _until(master, b"in keyring\r\n")
    assert process.wait(timeout=60) == 0, shown
    os.close(master)
    assert VALUE[:8].encode() not in shown
    assert VALUE in Path(ring["TEST_KEYRING"]).read_text(encoding="utf-8")


def _take_terminal() -> None:
    """Make the slave side the controlling terminal, as /dev/tty needs."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _until(master: int, mark: bytes) -> bytes:
    shown = b""
    end = time.monotonic() + 60
    while mark not in shown:
        assert time.monotonic() < end, shown
        try:
            shown += os.read(master, 4096)
        except OSError:
            break
    return shown


def test_without_input_a_terminal_is_not_asked(run: Runner) -> None:
    result = run("keys", "set", "openai", "--no-input", tty=True)
    assert result.code == 2
    assert "vidctl keys set openai --from-file FILE" in result.err
