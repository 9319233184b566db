"""The console script, and `python -m reconciler`."""

import sys


def main() -> None:
    """Run the command line on the process's own arguments, and end the process."""
    try:
        # Here, so that Ctrl-C while everything is being imported shows no traceback.
        from reconciler.bootstrap import run_command_line  # noqa: PLC0415

        code = run_command_line()
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
