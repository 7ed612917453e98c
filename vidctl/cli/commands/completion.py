"""``vidctl completion``: a script for the shell."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from vidctl.cli.app import COMPLETE
from vidctl.cli.call import call
from vidctl.cli.lazy import verb
from vidctl.outcome import Outcome


class Shell(StrEnum):
    """Shells with completion."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def completion(
    ctx: typer.Context,
    shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish.")] = Shell.bash,
) -> None:
    """Print a completion script: source <(vidctl completion bash)."""
    with call(ctx) as c:
        from typer._completion_shared import get_completion_script

        script = get_completion_script(prog_name="vidctl", complete_var=COMPLETE, shell=shell.value)
        c.finish(Outcome({"shell": shell.value, "script": script}), text=lambda: script)


app = verb(completion)
