"""What only a real process can show: signals, closed streams, the entry points, crashes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Runner, Spawner, write_tone
from surface import ENVELOPE, LEAVES

SECRET = "sk-live-0123456789abcdef"


# --- entry points -------------------------------------------------------------------------------


def test_a_process_prints_what_a_call_prints(run: Runner, spawn: Spawner, stocked: Path) -> None:
    for arguments in (["videos", "list", "--json"], ["videos", "show", "nope"], ["--version"]):
        assert spawn(*arguments) == run(*arguments)


def test_the_installed_command_is_the_module(spawn: Spawner) -> None:
    script = Path(sys.executable).with_name("vidctl")
    shown = subprocess.run([script, "-V"], capture_output=True, text=True, check=True)
    assert shown.stdout == spawn("--version").out


# --- streams that are closed --------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["videos", "list"], ["config", "show", "--json"]])
def test_a_reader_that_went_away_is_no_error(
    spawn: Spawner, stocked: Path, arguments: list[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = spawn.start(*arguments, stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)])
def test_streams_that_were_closed_from_the_start(
    spawn: Spawner, stocked: Path, closed: tuple[int, ...]
) -> None:
    def close() -> None:
        for number in closed:
            os.close(number)

    process = spawn.start("videos", "list", "--json", preexec_fn=close)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert (out == b"") == (1 in closed)


def test_a_terminal_that_speaks_another_encoding(spawn: Spawner, library: Path) -> None:
    spawn("videos", "add", "--title", "中文 \N{SNOWMAN}")
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    listed = spawn("videos", "list", "--fields", "name", env=ascii_only)
    assert (listed.code, listed.out) == (0, "\\u4e2d\\u6587 \\u2603\n")


# --- interrupts ---------------------------------------------------------------------------------


def wait_for(happens: Callable[[], object]) -> None:
    """Wait until something is true, for up to half a minute."""
    end = time.monotonic() + 30
    while not happens():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def test_ctrl_c_ends_an_upload_cleanly(spawn: Spawner, run: Runner, library: Path) -> None:
    """One line, exit 130, nothing half-done; the same command again goes on."""
    write_tone(spawn.folder / "talk.wav")
    media = library.parent / "media"
    process = spawn.start("upload", "talk.wav", env={"VIDCTL_FAILPOINT": "copy.write:1:delay"})
    wait_for(lambda: list(media.rglob(".vidctl-tmp-*")))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == b""
    assert err == b"error: interrupted\nhint: run the same command again to go on\n"
    assert [file for file in media.rglob("*") if file.is_file()] == []
    assert run.ok("podcasts", "list").out == ""
    assert run.ok("upload", "talk.wav", "--json").data["items"][0]["new"]
    assert run.ok("doctor", "--json").data["problems"] == 0


def test_an_interrupt_has_an_envelope(
    run: Runner, stocked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vidctl.catalog.items.listing", interrupt)
    result = run("videos", "list", "--json")
    assert result.code == 130
    assert list(result.envelope) == ENVELOPE
    assert result.envelope["errors"][0]["code"] == "interrupted"
    assert result.envelope["command"] == "videos list"


# --- bugs ---------------------------------------------------------------------------------------


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in a listing, whose message holds a secret."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("VIDCTL_REMOTE_DSN", f"postgres://u:{SECRET}@h/d")

    def crash(*arguments: object, **options: object) -> None:
        raise RuntimeError(f"bad key {SECRET}\x1b[31m") from ValueError(SECRET)

    monkeypatch.setattr("vidctl.catalog.items.listing", crash)


@pytest.mark.usefixtures("broken", "stocked")
@pytest.mark.parametrize(
    "flags", [[], ["--json"], ["-v"], ["-q"]], ids=["plain", "json", "verbose", "quiet"]
)
def test_a_bug_is_logged_without_secrets(run: Runner, home: Path, flags: list[str]) -> None:
    result = run("videos", "list", "--author", "owner", *flags)
    assert result.code == 70
    (log,) = (home / "vidctl" / "log").iterdir()
    assert result.err == (
        f"bug: RuntimeError: bad key <OPENAI_API_KEY>\\x1b[31m\nhint: please report it with {log}\n"
    )
    text = log.read_text(encoding="utf-8")
    assert "Traceback" in text
    assert "ValueError" in text
    assert "\nvideos list\n" in text
    assert SECRET not in text + result.out + result.err
    assert "owner" not in text, "titles and names stay out of the log"


@pytest.mark.usefixtures("broken", "stocked")
@pytest.mark.parametrize("env", [{}, {"VIDCTL_JSON": "1"}], ids=["flag", "variable"])
def test_a_bug_has_an_envelope(run: Runner, env: dict[str, str]) -> None:
    result = run("videos", "list", *([] if env else ["--json"]), env=env)
    envelope = result.envelope
    assert list(envelope) == ENVELOPE
    assert (envelope["exit_code"], envelope["status"]) == (70, "failed")
    assert envelope["command"] == "videos list"
    assert envelope["errors"][0]["code"] == "bug"
    assert SECRET not in result.out


def test_causes_are_told_with_verbose(run: Runner, library: Path) -> None:
    (run.folder / "broken.db").write_bytes(b"no database" * 100)
    plain = run("--db", "broken.db", "status")
    verbose = run("--db", "broken.db", "status", "-v")
    assert verbose.err.startswith(plain.err)
    assert "  because DatabaseError: file is not a database\n" in verbose.err


# --- the demo -----------------------------------------------------------------------------------


@pytest.mark.local
def test_the_demo_ends_with_a_hit_and_leaves_nothing(
    spawn: Spawner, home: Path, tmp_path: Path
) -> None:
    shown = spawn("demo")
    assert shown.code == 0, shown
    assert 'vidctl search "what you can do for your country"' in shown.out
    assert "inaugural-address-1961@00:0" in shown.out
    assert shown.out.endswith("Begin your own library:  vidctl init\n")
    assert list(tmp_path.iterdir()) == []
    assert not (home / "vidctl").exists()


def test_the_surface_is_not_empty() -> None:
    assert len(LEAVES) > 35
