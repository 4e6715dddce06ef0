"""`make fuzz MINUTES=…`: sends damaged photos and uploads to the API, and stores what goes wrong under `.cache/fuzz/`.

python -m tests.fuzz 20                            for twenty minutes, with other inputs each time
python -m tests.fuzz 20 --model bundle             with the network of a bundle, for one photo of some
python -m tests.fuzz --repeat .cache/fuzz/FINDING  once, with an input that was found, or with any photo
"""

import argparse
import random
import sys
import time
from collections import Counter
from functools import partial

from hypothesis import HealthCheck, Phase, given, seed, settings

from scripts import samples
from scripts.console import CACHE, out
from tests.fuzz import findings
from tests.fuzz.mutations import all_damaged
from tests.fuzz.seeds import portrait_in, seeds
from tests.fuzz.watched import API, Watched, complaint

ROUND = 300
"""Inputs for one seed of hypothesis."""

MAX_GROWTH_MB = 100
"""Memory that the process may hold more at the end than after the first round."""


def main():
    """Fuzz, or repeat a finding; return the exit status: 1 if something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("minutes", nargs="?", type=float, default=20)
    parser.add_argument("--model", help="folder of a bundle")
    parser.add_argument("--repeat", help="folder of a finding, or a photo")
    options = parser.parse_args()
    with Watched(partial(API, options.model)) as process:
        return _repeat(process, options.repeat) if options.repeat else _fuzz(process, options.minutes)


def _repeat(process, finding):
    upload = findings.load(finding)
    seen = process.send(upload)
    found = complaint(upload, seen)
    out.print(seen)
    out.print(found or "Nothing is wrong.")
    return int(found is not None)


def _fuzz(process, minutes):
    directory = CACHE / "samples" / "photos"
    samples.fetch(directory)
    portrait = portrait_in((directory / samples.UNSEEN).read_bytes())
    run = _Run(process, time.monotonic() + 60 * minutes)
    sound = seeds(portrait)
    while time.monotonic() < run.end:
        run.round(all_damaged(sound, sound["jpeg"].data))
        run.report()
    return int(bool(run.found) or run.grew())


class _Run:
    """Counts the answers of a run, and keeps what was found."""

    def __init__(self, process, end):
        self.end, self.found = end, {}
        self._process, self._answers, self._resident = process, Counter(), []

    def round(self, uploads):
        """Send ROUND uploads, made from a new random seed."""

        @seed(random.getrandbits(64))
        @settings(
            max_examples=ROUND,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(uploads)
        def send(upload):
            if time.monotonic() < self.end:
                self._send(upload)

        send()

    def _send(self, upload):
        seen = self._process.send(upload)
        self._answers[getattr(seen, "problem", "died") or "ok"] += 1
        found = complaint(upload, seen)
        if found:
            folder = findings.store(upload, seen, found)
            if found not in self.found:
                out.print(f"\nFound: {found}\n  {folder}")
            self.found[found] = folder
        self._resident.append(getattr(seen, "resident_mb", 0.0))

    def report(self):
        """Print how far the run is."""
        left = max(0, round((self.end - time.monotonic()) / 60))
        answers = ", ".join(f"{count:,} {name}" for name, count in self._answers.most_common())
        out.print(f"{self._answers.total():,} inputs, {left} minutes left, {len(self.found)} found: {answers}")

    def grew(self):
        """Return whether the process holds more and more memory, and say so."""
        after = self._resident[ROUND // 2 :]
        growth = min(after[-ROUND:], default=0) - min(after[:ROUND], default=0)
        if growth > MAX_GROWTH_MB:
            out.print(f"Memory grew by {growth:.0f} MB over {len(self._resident):,} inputs.")
        return growth > MAX_GROWTH_MB


if __name__ == "__main__":
    sys.exit(main())
