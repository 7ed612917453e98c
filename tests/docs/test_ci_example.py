"""The CI example uploads what changed in a folder, catches up, and says what failed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from doc_pages import ROOT
from harness import Spawner, write_tone

from vidctl import config

EXAMPLE = ROOT / "examples" / "ci-upload"

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("bash", "git", "jq")), reason="needs git and jq"
)


class Checkout:
    """A repository with media in it, and the example's script."""

    def __init__(self, folder: Path, spawn: Spawner) -> None:
        self.folder = folder
        self.environment = spawn.environment() | {
            "GIT_AUTHOR_NAME": "ci",
            "GIT_AUTHOR_EMAIL": "ci@example.org",
            "GIT_COMMITTER_NAME": "ci",
            "GIT_COMMITTER_EMAIL": "ci@example.org",
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        (folder / "media").mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "media")
        self.git("commit", "-q", "-m", "media")
        return self.git("rev-parse", "HEAD")

    def upload(self, *words: str) -> tuple[int, dict[str, Any], str]:
        """Run the script; return its exit code, the envelope it left, and what it said."""
        result = self.folder / "upload.json"
        result.unlink(missing_ok=True)
        done = subprocess.run(
            ["bash", str(EXAMPLE / "upload-changed.sh"), *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        envelope = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
        return done.returncode, envelope, done.stderr


@pytest.fixture
def checkout(tmp_path: Path, spawn: Spawner, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return Checkout(tmp_path, spawn)


def slugs(envelope: dict[str, Any]) -> list[str]:
    return sorted(item["slug"] for item in envelope["data"]["items"] if item["new"])


def test_a_push_uploads_what_it_changed(checkout: Checkout) -> None:
    media = checkout.folder / "media"
    write_tone(media / "one.wav", pitch=300)
    first = checkout.commit()
    code, envelope, said = checkout.upload("media", "0" * 40, first)
    assert (code, slugs(envelope)) == (0, ["one"]), said

    write_tone(media / 'two "loud"\nlines.wav', pitch=400)
    (media / "broken.mp4").write_bytes(b"")
    second = checkout.commit()
    code, envelope, said = checkout.upload("media", first, second)
    assert code == 3
    assert slugs(envelope) == ["two-loud-lines"]
    assert "broken.mp4: the file is empty" in said

    (checkout.folder / "notes.txt").write_text("words", encoding="utf-8")
    checkout.git("add", "notes.txt")
    checkout.git("commit", "-q", "-m", "words")
    code, envelope, said = checkout.upload("media", second, "HEAD")
    assert (code, envelope) == (0, {})
    assert "no media changed" in said


def test_a_base_that_is_gone_offers_the_whole_folder(checkout: Checkout) -> None:
    write_tone(checkout.folder / "media" / "one.wav", pitch=300)
    checkout.commit()
    code, envelope, said = checkout.upload("media", "f" * 40)
    assert (code, slugs(envelope)) == (0, ["one"]), said
    code, envelope, said = checkout.upload("media", "f" * 40)
    assert (code, slugs(envelope), envelope["data"]["total"]) == (0, [], 1), said


def test_the_workflow_sets_what_vidctl_reads() -> None:
    text = (EXAMPLE / "upload-media.yml").read_text(encoding="utf-8")
    known = {setting.env for setting in config.SETTINGS} | {"VIDCTL_NO_INPUT"}
    named = re.findall(r"^\s+(VIDCTL_\w+):", text, re.MULTILINE)
    assert named
    assert set(named) <= known
    assert "ci/upload-changed.sh media" in text
