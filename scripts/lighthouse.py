"""Runs Lighthouse on a website, in Chromium, as on a phone. `make setup` installs it into node_modules/."""

import json
import subprocess
from collections.abc import Iterable
from typing import Any, Final

from model.settings import ROOT
from scripts.programs import CHROMIUM

CATEGORIES: Final = ("performance", "accessibility", "best-practices", "seo")

PROGRAM: Final = ROOT / "node_modules" / ".bin" / "lighthouse"


def lighthouse(address: str, categories: Iterable[str] = CATEGORIES, audits: Iterable[str] = ()) -> dict[str, Any]:
    """Return Lighthouse's report on a page, of these categories and of these single audits.

    Raises:
        subprocess.CalledProcessError: Lighthouse failed.
    """
    words = [
        *("--output=json", "--quiet", "--no-enable-error-reporting"),
        *(f"--only-categories={name}" for name in categories),
        *(f"--only-audits={name}" for name in audits),
        "--chrome-flags=--headless --no-sandbox",
    ]
    command = ["env", f"CHROME_PATH={CHROMIUM.path}", str(PROGRAM), address, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def scores(report: dict[str, Any]) -> dict[str, int]:
    """Return the score of each category, 0 to 100."""
    return {name: round(100 * category["score"]) for name, category in report["categories"].items()}
