"""The file of keys: its owner's alone from its first moment, and refused when it is not."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vidctl import failpoints
from vidctl.errors import PermissionRefused, StorageFull, UsageError
from vidctl.keys.credentials import Credentials

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")

VALUE = "sk-not-a-real-key-0123456789"


@pytest.fixture
def kept(tmp_path: Path) -> Credentials:
    return Credentials(tmp_path / "vidctl" / "credentials.toml")


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], indirect=True)
def test_the_modes_do_not_follow_the_umask(kept: Credentials, umask: int) -> None:
    kept.write("openai", VALUE)
    assert (mode(kept.file), mode(kept.file.parent)) == (0o600, 0o700)
    found = kept.read("openai")
    assert found is not None
    assert found.value == VALUE
    assert found.set_at.endswith("Z")


def test_the_file_never_has_another_mode(
    kept: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen at every step of the writing, under the most open umask."""
    seen = []

    def look(name: str) -> None:
        if kept.file.parent.is_dir():
            seen.extend(mode(file) for file in kept.file.parent.iterdir())

    monkeypatch.setattr("vidctl.files.reach", look)
    before = os.umask(0)
    try:
        kept.write("openai", VALUE)
        kept.write("openai", VALUE + "x")
    finally:
        os.umask(before)
    assert len(seen) > 4
    assert set(seen) == {0o600}


def test_an_open_folder_is_closed_when_a_key_is_put_there(kept: Credentials) -> None:
    kept.file.parent.mkdir(mode=0o755)
    (kept.file.parent / "config.toml").write_text('group = "acme"\n', encoding="utf-8")
    kept.write("openai", VALUE)
    assert mode(kept.file.parent) == 0o700
    assert (kept.file.parent / "config.toml").is_file()


@pytest.mark.parametrize("open_mode", [0o644, 0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_file_that_others_can_open_is_refused(kept: Credentials, open_mode: int) -> None:
    kept.write("openai", VALUE)
    kept.file.chmod(open_mode)
    for act in (lambda: kept.read("openai"), lambda: kept.write("s3", "a:bcd")):
        with pytest.raises(PermissionRefused) as refused:
            act()
        assert refused.value.hint.startswith(f"chmod 600 {kept.file}")
        assert VALUE not in str(refused.value)
    kept.file.chmod(0o600)
    assert kept.read("s3") is None, "nothing was written into it"


def test_a_folder_that_others_can_write_in_is_refused(kept: Credentials) -> None:
    kept.write("openai", VALUE)
    kept.file.parent.chmod(0o777)
    with pytest.raises(PermissionRefused) as refused:
        kept.read("openai")
    assert refused.value.hint == f"chmod 700 {kept.file.parent}"


def test_a_link_is_refused(kept: Credentials, tmp_path: Path) -> None:
    kept.write("openai", VALUE)
    elsewhere = kept.file.rename(tmp_path / "elsewhere.toml")
    kept.file.symlink_to(elsewhere)
    for act in (lambda: kept.read("openai"), lambda: kept.write("openai", "other-value")):
        with pytest.raises(PermissionRefused, match="is a link"):
            act()
    assert VALUE in elsewhere.read_text(encoding="utf-8")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_somebody_elses_file_is_refused(kept: Credentials) -> None:
    kept.write("openai", VALUE)
    os.chown(kept.file, 12345, -1)
    with pytest.raises(PermissionRefused, match="belongs to somebody else"):
        kept.read("openai")


def test_a_pipe_is_not_waited_for(kept: Credentials) -> None:
    kept.file.parent.mkdir(mode=0o700)
    os.mkfifo(kept.file, 0o600)
    with pytest.raises(PermissionRefused, match="not a regular file"):
        kept.read("openai")


@pytest.mark.parametrize(
    "text", [f'key = "{VALUE}\n', f'[openai]\nname = "{VALUE}"\n', f'openai = "{VALUE}"\n', "\xff"]
)
def test_a_broken_file_is_told_without_its_content(kept: Credentials, text: str) -> None:
    kept.write("s3", "a:bcd")
    kept.file.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError) as refused:
        kept.read("openai")
    error: BaseException | None = refused.value
    while error is not None:
        assert VALUE not in f"{error} {error!r}"
        error = error.__cause__
    assert "mend it by hand" in refused.value.hint


def test_keys_come_and_go(kept: Credentials) -> None:
    assert kept.read("openai") is None
    assert kept.remove("openai") is False
    kept.write("openai", VALUE)
    kept.write("s3", 'A"\\:b')
    found = kept.read("s3")
    assert found is not None
    assert found.value == 'A"\\:b'
    assert kept.remove("openai") is True
    assert kept.read("openai") is None
    assert kept.read("s3") is not None
    assert VALUE not in kept.file.read_text(encoding="utf-8")
    assert [file.name for file in kept.file.parent.iterdir()] == ["credentials.toml"]


@pytest.mark.parametrize("point", ["copy.open", "copy.fsync", "copy.replace"])
def test_a_failed_write_leaves_the_old_keys(kept: Credentials, point: str) -> None:
    kept.write("openai", VALUE)
    before = kept.file.read_bytes()
    failpoints.arm(f"{point}:1:enospc")
    with pytest.raises(StorageFull):
        kept.write("openai", "sk-another-key-0123456789")
    failpoints.arm("")
    assert kept.file.read_bytes() == before
    assert [file.name for file in kept.file.parent.iterdir()] == ["credentials.toml"]


WRITER = """
import sys
from pathlib import Path
from vidctl.keys.credentials import Credentials
for number in range(10):
    Credentials(Path(sys.argv[1])).write(f"{sys.argv[2]}-{number}", "a:bcd")
"""


def test_two_processes_lose_no_key(kept: Credentials) -> None:
    command = [sys.executable, "-c", WRITER, str(kept.file)]
    writers = [subprocess.Popen([*command, name]) for name in ("one", "two")]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    for name in ("one", "two"):
        assert all(kept.read(f"{name}-{number}") for number in range(10))
