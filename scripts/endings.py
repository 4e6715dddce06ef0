"""How a signal ends a command: with an exception, so that whatever is open is closed and removed; or by a time limit.

Python calls the handler of a signal in its main thread, and only between two instructions. A library may compute for
minutes until then. So another thread keeps the time limit. The system itself tells it of a signal, through a pipe
(`signal.set_wakeup_fd`). Only a library that does not release Python's lock (the GIL) delays that thread too: the
command ends when the call returns. None of ours takes seconds: dlib looks at one photo in less than 1.5 s.
"""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Final, NoReturn

from preprocess.temporary import remove_temporary_folders

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a command in good order. A shell's exit status for them is 128 and the signal's number."""

INTERRUPTED: Final = "Interrupted."
WAY_ON: Final = "Run the same command again to go on."

_CLEAN_UP_S: Final = 3.5
"""Seconds that a command has to end after a signal. Its workers may take one more: `dataset.workers`."""

_received: Final[list[int]] = []
"""The signal that ends this process. Its handler has no other way to tell: a process has one handler of each."""

_SHOW_CURSOR: Final = "\n\x1b[?25h"
"""For a terminal. A progress bar has hidden the cursor, and the line with the bar is not at its end."""


def end_in_order() -> None:
    """Let a signal raise an exception; if the process does not end in time after that, end it and remove its folders.

    KeyboardInterrupt is raised for Ctrl-C, SystemExit for the others. Further signals do not disturb the end.
    """
    told, tell = os.pipe()
    os.set_blocking(tell, False)  # a handler must not wait
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # the main thread alone decides when to receive one
    threading.Thread(target=_end_in_time, args=(told,), daemon=True).start()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    _handle(_raise)


def let_end() -> None:
    """Let a command that has done its work end with its own status, if it does so in time after a signal."""
    _handle(_do_nothing)


def received() -> int:
    """Return the number of the signal that ends this command, 0 without one."""
    return _received[0] if _received else 0


def _handle(handler: Callable[[int, FrameType | None], object]) -> None:
    """Set the handler of the signals, but let those be ignored that whoever started the command ignores.

    `nohup` does so with SIGHUP. A signal that we want to be ignored gets a handler that does nothing, because programs
    that are started from then on would inherit SIG_IGN.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _raise(number: int, _frame: FrameType | None) -> NoReturn:
    _handle(_do_nothing)
    _received.append(number)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    pass


def _end_in_time(told: int) -> None:
    """Wait for a signal, and end the process if it has not ended in time, whatever its main thread does."""
    number = 0
    while number not in SIGNALS:  # libraries may have handlers for other signals
        (number,) = os.read(told, 1)
    time.sleep(_CLEAN_UP_S)
    try:
        remove_temporary_folders()
        _say()
    finally:
        os._exit(128 + number)


def _say() -> None:
    """Say that the command was interrupted, without anything that the main thread may hold, such as a lock of rich.

    On a terminal that is gone, or that was stopped with Ctrl-S, nothing is said.
    """
    text = f"{_SHOW_CURSOR if os.isatty(2) else ''}{INTERRUPTED} {WAY_ON}\n"
    with suppress(OSError):
        if select.select((), (2,), (), 0)[1]:
            os.write(2, text.encode())
