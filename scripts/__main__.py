"""`visage` itself: heeds signals from its first line on, and runs the command line."""

import os
import signal


def main() -> None:
    """Run the command line and exit.

    The status is 0, or 1 with one line that gives the reason, 2 for wrong arguments, 130 after Ctrl-C, 143 after a
    SIGTERM, 129 when the terminal was closed (SIGHUP). A bug of ours ends with a traceback.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end_at_once)
    from scripts import command_line, endings  # it takes a tenth of a second, in which a signal may arrive

    endings.end_in_order()
    try:
        command_line.run()
    finally:
        endings.let_end()


def _end_at_once(number: int, _frame: object) -> None:
    """End with one line: as long as Python imports the command line, nothing is to be closed or removed."""
    try:
        os.write(2, b"Interrupted. Run the same command again to go on.\n")
    finally:
        os._exit(128 + number)


if __name__ == "__main__":
    main()
