"""What the pages tell people to type works, page by page, in an empty folder and home."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from doc_pages import ROOT, Page, all_pages
from harness import CAPTIONS, Spawner, write_tone

CLIP = ROOT / "vidctl" / "data" / "demo" / "ask-not.mp4"
# What needs a package index; the README's own lines are run by .ci/run and on bare machines.
INSTALLS = re.compile(r"^\s*(pip|pipx|uv|uvx|python)\b", re.MULTILINE)
SRT = "1\n00:00:00,000 --> 00:00:02,000\nAsk for a kingfisher and it comes.\n"


def script_of(found: Page) -> str:
    """Return a page's shell blocks as one script, without those that install something."""
    return "\n".join(block for block in found.blocks("sh") if not INSTALLS.search(block))


PAGES = {found.name: found for found in all_pages() if script_of(found)}


def nothing(folder: Path, spawn: Spawner) -> None: ...


def empty(folder: Path, spawn: Spawner) -> None:
    """Make a library with nothing in it."""
    assert spawn("init").code == 0


def talk(folder: Path, spawn: Spawner) -> None:
    """Put a sound with captions into the folder."""
    write_tone(folder / "talk.wav")
    (folder / "talk.vtt").write_text(CAPTIONS, encoding="utf-8")


def library(folder: Path, spawn: Spawner) -> None:
    """Make a library with one item that can be found."""
    talk(folder, spawn)
    for arguments in (["init"], ["upload", "talk.wav", "--process"]):
        assert spawn(*arguments).code == 0


def media(folder: Path, spawn: Spawner) -> None:
    """Put two sounds with captions into a folder of their own."""
    for number, name in enumerate(("kingfisher", "heron")):
        (folder / "media").mkdir(exist_ok=True)
        write_tone(folder / "media" / f"{name}.wav", pitch=440 + 110 * number)
        text = CAPTIONS.replace("kingfisher", name)
        (folder / "media" / f"{name}.vtt").write_text(text, encoding="utf-8")


def captions(folder: Path, spawn: Spawner) -> None:
    """Put two sounds and several caption files into a folder with a library."""
    talk(folder, spawn)
    write_tone(folder / "other.wav", pitch=330)
    (folder / "edited.srt").write_text(SRT, encoding="utf-8")
    (folder / "better.vtt").write_text(CAPTIONS, encoding="utf-8")
    (folder / "notes.txt").write_text("Welcome, all.", encoding="utf-8")
    assert spawn("init").code == 0


def speech(folder: Path, spawn: Spawner) -> None:
    """Put the demo's clip into the folder, and its sound as another file."""
    shutil.copy(CLIP, folder / "talk.mp4")
    sound_of(CLIP, folder / "episode.flac")


def sound_of(clip: Path, file: Path) -> None:
    """Write the sound of a clip as FLAC."""
    import av

    with av.open(str(clip)) as source, av.open(str(file), "w") as target:
        stream = target.add_stream("flac", rate=source.streams.audio[0].rate)
        resampler = av.AudioResampler("s16", source.streams.audio[0].layout, stream.rate)
        for frame in [*source.decode(audio=0), None]:
            for part in resampler.resample(frame):
                target.mux(stream.encode(part))
        target.mux(stream.encode(None))


def uploads(folder: Path, spawn: Spawner) -> None:
    """Put sounds into two folders, and one beside them."""
    media(folder, spawn)
    talk(folder, spawn)
    (folder / "more").mkdir()
    write_tone(folder / "more" / "owl.wav", pitch=610)


def clip(folder: Path, spawn: Spawner) -> None:
    """Put the demo's clip into the folder under its own name."""
    shutil.copy(CLIP, folder / CLIP.name)


PREPARE: dict[str, Callable[[Path, Spawner], None]] = {
    "README.md": speech,
    "docs/tutorial/first-library.md": nothing,
    "docs/how-to/analytics.md": talk,
    "docs/how-to/captions.md": captions,
    "docs/how-to/ci.md": media,
    "docs/how-to/cloudinary.md": nothing,
    "docs/how-to/costs.md": talk,
    "docs/how-to/courses.md": nothing,
    "docs/how-to/events.md": empty,
    "docs/how-to/groups.md": talk,
    "docs/how-to/labels-and-bulk-edit.md": empty,
    "docs/how-to/keys.md": nothing,
    "docs/how-to/media.md": clip,
    "docs/how-to/models.md": nothing,
    "docs/how-to/move-media.md": talk,
    "docs/how-to/move-or-back-up.md": library,
    "docs/how-to/people-and-roles.md": nothing,
    "docs/how-to/playlists.md": nothing,
    "docs/how-to/progress.md": nothing,
    "docs/how-to/recover.md": library,
    "docs/how-to/s3.md": nothing,
    "docs/how-to/upload.md": uploads,
}
NEED_MODELS = ("README.md", "docs/tutorial/first-library.md")


def test_every_page_with_commands_is_run() -> None:
    assert PREPARE.keys() == PAGES.keys()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.local if name in NEED_MODELS else ())
        for name in PREPARE
    ],
)
def test_commands_of_a_page_work(
    name: str, tmp_path: Path, spawn: Spawner, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = script_of(PAGES[name])
    if "jq " in script and shutil.which("jq") is None:
        pytest.skip("needs jq")
    if name not in NEED_MODELS:
        monkeypatch.setenv("VIDCTL_EMBED_ENGINE", "none")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    PREPARE[name](tmp_path, spawn)
    done = subprocess.run(
        ["bash", "-eux", "-o", "pipefail", "-c", script],
        cwd=tmp_path,
        env=spawn.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if name in NEED_MODELS:
        assert re.search(r"@00:0[4-9]\b", done.stdout), "the search finds the moment"
