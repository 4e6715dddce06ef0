"""Reads the environment once, into a frozen dataclass that is passed on. No other module reads it.

| variable | meaning | default |
| --- | --- | --- |
| `VISAGE_MODEL` | the bundle to serve: a folder or s3://bucket/prefix | none |
| `VISAGE_ENGINE` | the engine that runs its network: `torchscript` or `onnx` | `torchscript` |
| `AWS_LAMBDA_INITIALIZATION_TYPE` | set by Lambda; `snap-start` where it takes a snapshot | none |
| `VISAGE_UPLOADS` | the bucket of large photos that wait for their answer | none |
| `VISAGE_BATCH_OUTPUT` | the folder in S3 of all outputs of batches of this stage | none |
| `OMP_NUM_THREADS` | threads that work on one photo; the first number of a list such as `4,2` | one for each core |
| `VISAGE_AUTH` | who may use the API: `none`, `key`, `jwt` or `iam`; anything else counts as `key` | `none` |
| `VISAGE_LABELS` | `private` if `GET /labels` needs a key even where visitors need none | `public` |
| `VISAGE_KEYS` | where the hashes of the keys are: s3://bucket/access/keys.json | none |
| `VISAGE_KEYS_SECONDS` | how long a function uses the keys that it has before it asks S3 for changes | `5` |
| `VISAGE_KEYS_OUTAGE_SECONDS` | how long it uses them while S3 does not answer | `300` |
| `VISAGE_ROSTER` | the roster: s3://bucket/roster/SPACE/roster.npz, or a file | beside a bundle in a folder |
| `VISAGE_ROSTER_SECONDS` | how long a function uses the roster that it has before it asks S3 for changes | `5` |
| `VISAGE_THUMBNAILS` | who may see pictures of people: `none` (none are kept), `owner` or `visitors` | `none` |
| `VISAGE_KEY` | the key that `visage recognize --url` sends | none |
| `VISAGE_CACHE` | downloads, converted weights and the local AWS | `.cache` of the checkout, else the user's cache |
| `VISAGE_LOCAL_PORT` | port of the local AWS | `4566` |
| `POWERTOOLS_SERVICE_NAME`, `POWERTOOLS_METRICS_NAMESPACE` | names in logs and metrics | `visage`, `Visage` |
| `PYENV_ROOT` | where pyenv keeps its Pythons | `~/.pyenv` |

Nothing is imported here that takes time, because a function reads its settings before it imports anything else.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

ROOT: Final = Path(__file__).resolve().parent.parent
"""The checkout, or the folder that an installed package is in."""


KEYS_SECONDS: Final = 5
"""How long a function uses the keys that it has before it asks S3 for changes: a revoked key ends within this time."""

KEYS_OUTAGE_SECONDS: Final = 300
"""How long it uses them while S3 does not answer: most failures of S3 are shorter."""


ROSTER_SECONDS: Final = 5
"""How long a function uses the roster that it has before it asks S3 for changes: new people are known within this time.
"""


class Variables(dict[str, str]):
    """Environment variables. Only their names are shown when it is printed: values may be credentials."""

    def __repr__(self) -> str:
        """Return the names of the variables."""
        return f"{type(self).__name__}({', '.join(sorted(self))})"


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Who may use the API, and see `thumbnails`: none, owner or visitors.

    `keys` is the S3 address of the object with the keys, or None.
    """

    auth: str = "none"
    private_labels: bool = False
    thumbnails: str = "none"
    keys: str | None = None
    seconds: int = KEYS_SECONDS
    outage_seconds: int = KEYS_OUTAGE_SECONDS


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in the environment.

    `location` is the folder or the S3 address of the bundle, `roster` that of the roster, `uploads` the name of the
    bucket of uploads, and `batch_output` the S3 address of the folder that batches write to; each may be None.
    `in_lambda` says whether this process runs in a Lambda function, and `for_snapshot` whether Lambda takes a snapshot
    of it once it is initialised (SnapStart). `local_port` is not checked here; `deploy.local` does that. `environment`
    is the whole environment, for child processes.
    """

    location: str | None
    engine: str
    uploads: str | None
    threads: int
    in_lambda: bool
    for_snapshot: bool
    cache: Path
    local_port: str
    service: str
    namespace: str
    pyenv: Path
    access: AccessSettings
    roster: str | None
    roster_seconds: int
    batch_output: str | None
    key: str | None = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "environment", Variables(self.environment))

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read `environment`, by default this process's own."""
        given = Variables(os.environ if environment is None else environment)
        return cls(
            location=given.get("VISAGE_MODEL") or None,
            engine=given.get("VISAGE_ENGINE") or "torchscript",
            uploads=given.get("VISAGE_UPLOADS") or None,
            threads=_threads(given.get("OMP_NUM_THREADS", "")) or cores(),
            in_lambda="AWS_LAMBDA_FUNCTION_NAME" in given,
            for_snapshot=given.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start",
            cache=Path(given.get("VISAGE_CACHE") or _default_cache(given)),
            local_port=given.get("VISAGE_LOCAL_PORT") or "4566",
            service=given.get("POWERTOOLS_SERVICE_NAME") or "visage",
            namespace=given.get("POWERTOOLS_METRICS_NAMESPACE") or "Visage",
            pyenv=Path(given.get("PYENV_ROOT") or _home() / ".pyenv"),
            access=AccessSettings(
                auth=given.get("VISAGE_AUTH") or "none",
                private_labels=given.get("VISAGE_LABELS") == "private",
                thumbnails=_thumbnails(given.get("VISAGE_THUMBNAILS", "")),
                keys=given.get("VISAGE_KEYS") or None,
                seconds=_number(given.get("VISAGE_KEYS_SECONDS", "")) or KEYS_SECONDS,
                outage_seconds=_number(given.get("VISAGE_KEYS_OUTAGE_SECONDS", "")) or KEYS_OUTAGE_SECONDS,
            ),
            roster=given.get("VISAGE_ROSTER") or None,
            roster_seconds=_number(given.get("VISAGE_ROSTER_SECONDS", "")) or ROSTER_SECONDS,
            batch_output=given.get("VISAGE_BATCH_OUTPUT") or None,
            key=given.get("VISAGE_KEY") or None,
            environment=given,
        )


def _thumbnails(text: str) -> str:
    """Return who may see thumbnails; none are kept unless the owner says so in one of the known words."""
    return text if text in {"owner", "visitors"} else "none"


def cores() -> int:
    """Return how many processor cores this process may use, as far as the system can tell."""
    if hasattr(os, "process_cpu_count"):  # from Python 3.13 on
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _threads(text: str) -> int | None:
    """Return the first number of OMP_NUM_THREADS, a list with one number for each level of nested parallelism.

    Returns None if it is not a whole number from 1 to 9999; OpenMP's libraries ignore such a value too. Source: OpenMP
    API 5.2, section 21.1.2.
    """
    return _number(text.partition(",")[0])


def _number(text: str) -> int | None:
    """Return a whole number from 1 to 9999, None for any other text."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 4 and int(text) > 0 else None


def _default_cache(environment: Mapping[str, str]) -> Path:
    if (ROOT / "pyproject.toml").is_file():
        return ROOT / ".cache"
    return Path(environment.get("XDG_CACHE_HOME") or _home() / ".cache") / "visage"


def _home() -> Path:
    """Return the user's home; the root folder for a user without one, as a container's user may be."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.sep)
