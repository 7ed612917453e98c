"""The entry point; ``--version`` is answered before anything else is imported."""

import os
import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    _replace_closed_streams()
    if sys.argv[1:] in (["--version"], ["-V"]):
        from vidctl import __version__

        sys.stdout.write(f"vidctl {__version__}\n")
        return
    from vidctl.cli.app import run

    sys.exit(run(sys.argv[1:]))


def _replace_closed_streams() -> None:
    """Read and write nothing where the caller closed a stream (``>&-``), instead of crashing.

    The number of a closed stream also must not be given to a file that is opened later.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123


if __name__ == "__main__":
    main()
