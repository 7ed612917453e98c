"""The entry point; ``--version`` is answered before anything else is imported."""

import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from vidctl import __version__

        sys.stdout.write(f"vidctl {__version__}\n")
        return
    from vidctl.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
