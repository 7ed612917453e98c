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
    import signal

    # What ends a service ends like Ctrl-C: temporary files go, and the next run goes on.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from vidctl.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    # Nothing is left to be tidied up: who asks again while Python ends is obeyed at once.
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is signal.default_int_handler:
            signal.signal(number, signal.SIG_DFL)
    sys.exit(code)


def _replace_closed_streams() -> None:
    """Read and write nothing where the caller closed a stream (``>&-``), instead of crashing.

    The number of a closed stream also must not be given to a file that is opened later.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123


if __name__ == "__main__":
    main()
