"""Stores what the fuzzer finds: the input, what it did, and the command that does it again."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from scripts.console import CACHE
from tests.fuzz.mutations import Upload

FINDINGS = CACHE / "fuzz"


def store(upload, seen, complaint, folder=FINDINGS):
    """Store a finding, and return its folder. Findings with the same complaint share one: the smallest input stays."""
    target = folder / hashlib.sha256(complaint.encode()).hexdigest()[:12]
    body = target / "body.bin"
    if body.exists() and body.stat().st_size <= len(upload.body):
        return target
    target.mkdir(parents=True, exist_ok=True)
    body.write_bytes(upload.body)
    request = {name: value for name, value in asdict(upload).items() if name != "body"}
    repeat = f".venv/bin/python -m tests.fuzz --repeat {target}"
    text = {"complaint": complaint, "repeat": repeat, "request": request, "seen": asdict(seen)}
    (target / "finding.json").write_text(json.dumps(text, indent=1))
    return target


def load(folder):
    """Return the upload of a finding, or of any file with a photo."""
    folder = Path(folder)
    if folder.is_file():
        return Upload(folder.read_bytes())
    request = json.loads((folder / "finding.json").read_text())["request"]
    return Upload((folder / "body.bin").read_bytes(), **request)
