"""The last step of `make quality`: writes docs/quality.json and docs/quality.md from the output of the benchmarks."""

import sys
from pathlib import Path

from evaluation import quality


def main() -> None:
    """Take the folder of the benchmarks' output from the command line."""
    if len(sys.argv) != 2:
        sys.exit("Give the folder with the output of the benchmarks: python -m scripts.quality FOLDER")
    quality.publish(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
