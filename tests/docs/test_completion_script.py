"""The completion script does what the help of ``vidctl completion`` promises."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Spawner

# Answers as bash would: the words so far, the last one unfinished.
COMPLETE = """
source <(vidctl completion bash)
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_vidctl_completion vidctl
echo "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["vid"], "videos"),
        (["videos", "li"], "list"),
        (["videos", "list", "--st"], "--status"),
        (["videos", "list", "--status", "d"], "draft"),
        (["-g", "acme", "sea"], "search"),
        (["people", "role", "s"], "set"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bash_completes(spawn: Spawner, tmp_path: Path, words: list[str], offered: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", COMPLETE, "bash", "vidctl", *words],
        env=spawn.environment({"PATH": path}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout.strip(), done.stderr) == (offered, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script(spawn: Spawner, shell: str) -> None:
    done = spawn("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert "_VIDCTL_COMPLETE" in done.out
