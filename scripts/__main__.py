"""`visage` itself: runs the command line, and heeds signals from its first moment on."""

from scripts import endings


def main() -> None:
    """Run the command line and exit.

    The status is 0, or 1 with one line that gives the reason, 2 for wrong arguments, 130 after Ctrl-C, 143 after a
    SIGTERM, 129 when the terminal was closed (SIGHUP). A bug of ours ends with a traceback.
    """
    endings.end_at_once()
    from scripts import command_line  # it takes a tenth of a second, in which a signal may arrive

    endings.end_in_order()
    try:
        command_line.run()
    finally:
        endings.let_end()


if __name__ == "__main__":
    main()
