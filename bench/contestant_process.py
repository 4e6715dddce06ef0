"""Runs one contestant in a process. Questions come from standard input, answers go to standard output, as JSON lines.

| question | answer |
| --- | --- |
| none | `{"ready": true}`, when everything is loaded |
| `{"learn": {"Will Smith": ["photos/1.jpg"]}}` | `{"learned": true}` |
| `{"answer": "photos/2.jpg"}` | the `Answer`'s fields, and `ms`: from the bytes in memory to the name |
| `{"memory": true}` | `resident_mb` and `peak_mb`, millions of bytes |
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, TextIO

from bench.contestants import CONTESTANTS, Contestant, Setup
from bench.memory import memory, require_linux, use_cores
from model.settings import Settings


def main() -> None:
    """Load the contestant that the arguments name, and answer until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=CONTESTANTS)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--setup", type=Path, nargs=4, required=True)
    arguments = parser.parse_args()
    require_linux()
    use_cores(arguments.threads)
    with _take_stdout() as answers:
        contestant = resolve_name(CONTESTANTS[arguments.name])(Setup(*arguments.setup), Settings.read())
        _send({"ready": True}, answers)
        for line in sys.stdin:
            _send(_reply(contestant, json.loads(line)), answers)


def _take_stdout() -> TextIO:
    """Return standard output for the answers alone; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _send(message: Mapping[str, Any], answers: TextIO) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def _reply(contestant: Contestant, message: Mapping[str, Any]) -> dict[str, Any]:
    match message:
        case {"learn": people}:
            contestant.learn({name: [Path(photo) for photo in photos] for name, photos in people.items()})
            return {"learned": True}
        case {"answer": photo}:
            return _timed(contestant, Path(photo).read_bytes())
        case _:
            resident_mb, peak_mb = memory()
            return {"resident_mb": resident_mb, "peak_mb": peak_mb}


def _timed(contestant: Contestant, data: bytes) -> dict[str, Any]:
    began = time.perf_counter()
    answer = contestant.answer(data)
    return {"ms": 1000 * (time.perf_counter() - began), **asdict(answer)}


if __name__ == "__main__":
    main()
