"""What goes to stderr: errors, causes, colour, and crash logs without secrets."""

from __future__ import annotations

import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from vidctl.cli.diagnostics import Diagnostics, wants_color, without_secrets, write_crash_log
from vidctl.errors import NotFound, VidctlError


def test_an_error_its_item_and_its_hint(capsys: pytest.CaptureFixture[str]) -> None:
    Diagnostics().error(NotFound("no\x1b talk", hint="vidctl\x9b videos list", item="a\nb\u202e"))
    assert capsys.readouterr() == (
        "",
        "error: a b\\u202e: no\\x1b talk\nhint: vidctl\\x9b videos list\n",
    )


def test_causes_are_told_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    error = VidctlError("no")
    error.__cause__ = OSError("disk\x1b")
    error.__cause__.__cause__ = ValueError("deep")
    Diagnostics().error(error)
    Diagnostics(verbose=1).error(error)
    assert capsys.readouterr().err == (
        "error: no\nerror: no\n  because OSError: disk\\x1b\n  because ValueError: deep\n"
    )


def test_quiet_leaves_errors(capsys: pytest.CaptureFixture[str]) -> None:
    diagnostics = Diagnostics(quiet=True)
    diagnostics.note("note")
    diagnostics.error(VidctlError("no"))
    assert capsys.readouterr().err == "error: no\n"


def test_colour_marks_the_words_only(capsys: pytest.CaptureFixture[str]) -> None:
    Diagnostics(color="always").error(VidctlError("no", hint="try"))
    assert capsys.readouterr().err == "\x1b[1;31merror:\x1b[0m no\n\x1b[36mhint:\x1b[0m try\n"


TERMINAL = SimpleNamespace(isatty=lambda: True)
FILE = SimpleNamespace(isatty=lambda: False)


@pytest.mark.parametrize(
    ("choice", "env", "stream", "wanted"),
    [
        ("auto", {}, TERMINAL, True),
        ("auto", {}, FILE, False),
        ("auto", {"NO_COLOR": "1"}, TERMINAL, False),
        ("auto", {"NO_COLOR": ""}, TERMINAL, True),
        ("auto", {"TERM": "dumb"}, TERMINAL, False),
        ("auto", {"CLICOLOR_FORCE": "1"}, FILE, True),
        ("auto", {"CLICOLOR_FORCE": "0"}, FILE, False),
        ("auto", {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, TERMINAL, False),
        ("always", {"NO_COLOR": "1"}, FILE, True),
        ("never", {"CLICOLOR_FORCE": "1"}, TERMINAL, False),
    ],
)
def test_when_colour_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
    choice: str,
    env: dict[str, str],
    stream: SimpleNamespace,
    wanted: bool,
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert wants_color(choice, stream) is wanted


SECRET = "sk-live-0123456789"


@pytest.mark.parametrize(
    "name",
    [
        *("OPENAI_API_KEY", "CLOUDINARY_URL", "GITHUB_TOKEN", "MY_SECRET", "PGPASSWORD"),
        "VIDCTL_REMOTE_DSN",
    ],
)
def test_values_of_secret_variables_are_struck_out(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, SECRET)
    assert without_secrets(f"401 for {SECRET}!") == f"401 for <{name}>!"


def test_a_short_value_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Striking out ``a`` everywhere would leave an unreadable log."""
    monkeypatch.setenv("SOME_KEY", "a")
    assert without_secrets("a crash") == "a crash"


def test_a_crash_log_is_for_its_owner_alone(home: Path) -> None:
    file = write_crash_log("Traceback caf\udce9", "videos list")
    assert file.parent == home / "vidctl" / "log"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text(encoding="utf-8")
    assert text.startswith("vidctl ")
    assert text.endswith("\nvideos list\n\nTraceback caf\\udce9")


def test_a_crash_names_its_log_and_hides_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    Diagnostics().crash(ValueError(f"key {SECRET}\x1b"), "ask")
    (log,) = (home / "vidctl" / "log").iterdir()
    assert capsys.readouterr().err == (
        f"bug: ValueError: key <OPENAI_API_KEY>\\x1b\nhint: please report it with {log}\n"
    )
    assert SECRET not in log.read_text(encoding="utf-8")


def test_a_crash_without_a_place_for_its_log_is_told_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VIDCTL_HOME", str(tmp_path / "file"))
    Diagnostics().crash(ValueError("no"), "ask")
    assert capsys.readouterr().err == "bug: ValueError: no\nValueError: no\n\n"


def test_a_closed_stderr_is_no_second_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(text: str) -> int:
        raise BrokenPipeError

    written: list[str] = []
    monkeypatch.setattr("sys.stderr", SimpleNamespace(write=refuse, encoding="utf-8"))
    Diagnostics(color="never").error(VidctlError("no"))
    monkeypatch.setattr(
        "sys.stderr",
        SimpleNamespace(write=written.append, flush=lambda: None, encoding="ascii"),
    )
    Diagnostics(color="never").error(VidctlError("no 中"))
    assert written == ["error: no \\u4e2d\n"]
