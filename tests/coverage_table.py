"""`make test`: prints how much of each package the tests have run, from coverage's JSON report."""

import json
import sys
from collections import defaultdict
from pathlib import Path

COUNTS = ("num_statements", "covered_lines", "num_branches", "covered_branches")


def main():
    """Print the table of the report that the first argument names."""
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.stdout.write("\n".join(table(report)) + "\n")


def table(report):
    """Return the lines of a table: one for each package with its lines and branches, and one for all together."""
    packages = defaultdict(lambda: [0] * len(COUNTS))
    for name, file in sorted(report["files"].items()):
        for group in (Path(name).parts[0], "all"):
            packages[group] = [a + file["summary"][b] for a, b in zip(packages[group], COUNTS, strict=True)]
    packages["all"] = packages.pop("all")
    head = f"{'coverage of':<14}{'lines':>16}{'branches':>16}{'together':>10}"
    return [head, *(_row(name, *counts) for name, counts in packages.items())]


def _row(name, lines, run_lines, branches, run_branches):
    together = 100 * (run_lines + run_branches) / max(1, lines + branches)
    return f"{name:<14}{f'{run_lines} of {lines}':>16}{f'{run_branches} of {branches}':>16}{together:>8.1f} %"


if __name__ == "__main__":
    main()
