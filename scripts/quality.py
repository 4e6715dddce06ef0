"""`make quality` ends with this: it writes docs/quality.json and docs/quality.md from what the benchmarks measured."""

import sys
from pathlib import Path

from evaluation import quality


def main() -> None:
    """Take the folder of the benchmarks' output from the command line."""
    (folder,) = map(Path, sys.argv[1:])
    quality.publish(folder)


if __name__ == "__main__":
    main()
