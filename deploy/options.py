"""What a stage is deployed with besides its model: limits to its costs, and what watches it. Kept by its stack."""

import json
import math
import re
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final, Self

from deploy import stack
from deploy.errors import DeployError
from deploy.target import Target
from model.settings import cores

_MAIL: Final = re.compile(r"[\w.!#%&'*+/=?^`|~-]+@[\w-]+(\.[\w-]+)+")
"""One address, without the signs that have a meaning in serverless.yml."""

_WEB_ACL: Final = re.compile(r"arn:aws[\w-]*:wafv2:us-east-1:\d{12}:global/webacl/[\w-]+/[\w-]+", re.ASCII)
"""An ACL for CloudFront. Source:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-cloudfront-distribution-distributionconfig.html.
"""


BATCH_CONCURRENCY: Final = 5
"""Batches at once, unless the owner says otherwise. A new account may run 10 functions at once, and needs some for the
API. Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html."""

MOST_CONCURRENCY: Final = 10_000
"""As many children a Distributed Map can have at once. Source:
https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html."""

_PLACE: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/?((?:[\w.=@+-]+/)*[\w.=@+-]*)", re.ASCII)
"""A bucket and a prefix, without the signs that have a meaning in the policies of roles or in serverless.yml."""


class Thumbnails(StrEnum):
    """Who may see pictures of the people who were added; with NONE, no pictures are kept."""

    NONE = "none"
    OWNER = "owner"
    VISITORS = "visitors"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `visage deploy` with these names, as the last deployment gave them.

    `snapshot` lets AWS start a zip from a snapshot. `keep_warm` is how many instances are always ready,
    `max_concurrency` how many may run at once; 0 is none and no limit. `budget` is in dollars a month for the whole
    account, 0 for none. `alarm_email` gets a mail when an alarm or the budget goes off. `site_logs` are the website's,
    with the addresses of its visitors. `waf` is the ARN of the web ACL in front of the website. `thumbnails` says who
    may see pictures of people. With `batch`, the stage recognises the photos below `batch_source`, with the results
    below `batch_output`, both addresses in S3, and so many batches at once.
    """

    snapshot: bool = True
    keep_warm: int = 0
    max_concurrency: int = 0
    budget: float = 0
    alarm_email: str = ""
    alarms: bool = True
    dashboard: bool = True
    access_logs: bool = True
    site_logs: bool = False
    waf: str = ""
    thumbnails: str = Thumbnails.NONE
    batch: bool = False
    batch_source: str = ""
    batch_output: str = ""
    batch_concurrency: int = BATCH_CONCURRENCY

    @classmethod
    def of(cls, target: Target) -> Self:
        """Return the options of a stage that says nothing: the local AWS watches nothing unless it is told to."""
        if target.local is None:
            return cls()
        return cls(alarms=False, dashboard=False, access_logs=False, batch_concurrency=cores())

    @classmethod
    def kept(cls, target: Target) -> Self:
        """Return what the last deployment to the target said.

        Raises:
            DeployError: AWS refuses, or cannot be reached.
        """
        outputs = stack.outputs(target)
        try:
            said = json.loads(outputs.options) if outputs else {}
            known = {field.name: said[field.name] for field in fields(cls) if field.name in (said or ())}
        except (ValueError, TypeError):
            known = {}
        return replace(cls.of(target), **known)

    def changed(self, **said: Any) -> Self:
        """Return the options with these changes; None keeps a value.

        Raises:
            DeployError: a value is not one, or two contradict each other.
        """
        changed = replace(self, **{name: value for name, value in said.items() if value is not None})
        changed.check()
        return changed

    @property
    def starts_from_snapshot(self) -> bool:
        """Whether AWS starts a zip from a snapshot. It does so only where no instances are kept ready."""
        return self.snapshot and not self.keep_warm

    def parameters(self) -> dict[str, str]:
        """Return the parameters for serverless.yml: what is off, 0 or empty is left out."""
        given = {
            "maxConcurrency": str(self.max_concurrency or ""),
            "budget": f"{self.budget:.2f}" if self.budget else "",
            "alarmEmail": self.alarm_email,
            "alarms": "on" if self.alarms else "",
            "dashboard": "on" if self.dashboard else "",
            "accessLogs": "on" if self.access_logs else "",
            "siteLogs": "on" if self.site_logs else "",
            "waf": self.waf,
            "thumbnails": self.thumbnails,
            "options": json.dumps(asdict(self), separators=(",", ":")),
        }
        return {name: value for name, value in (given | self._batch_parameters()).items() if value}

    def check(self) -> None:
        """Check the values.

        Raises:
            DeployError: a value is not one, or two contradict each other.
        """
        if self.alarm_email and not _MAIL.fullmatch(self.alarm_email):
            raise DeployError(f"--alarm-email {self.alarm_email} is not a mail address.")
        if self.waf and not _WEB_ACL.fullmatch(self.waf):
            raise DeployError(
                f"--waf {self.waf} is not the ARN of a web ACL for CloudFront. Such an ACL is in us-east-1; its ARN "
                "begins with arn:aws:wafv2:us-east-1: and has /webacl/ in it."
            )
        if not math.isfinite(self.budget):
            raise DeployError(f"--budget {self.budget} is not an amount of dollars.")
        if self.budget and not self.alarm_email:
            raise DeployError("--budget needs somebody to write to: give --alarm-email ADDRESS, too.")
        if self.max_concurrency and self.keep_warm > self.max_concurrency:
            raise DeployError(
                f"--keep-warm {self.keep_warm} is more than --max-concurrency {self.max_concurrency} allows."
            )
        self._check_batch()

    def _check_batch(self) -> None:
        if self.batch and not (self.batch_source and self.batch_output):
            raise DeployError(
                "--with-batch needs to know which photos it may read and where it may write: give --batch-source "
                "s3://bucket/prefix and --batch-output s3://bucket/prefix."
            )
        if self.batch and not 1 <= self.batch_concurrency <= MOST_CONCURRENCY:
            raise DeployError(f"--batch-concurrency must be from 1 to {MOST_CONCURRENCY}.")
        given = self._batch_parameters()
        if given and given["batchOutput"].startswith(given["batchSource"]):
            raise DeployError(
                "--batch-output is inside --batch-source, so that results would be taken for photos. Give another one."
            )

    def _batch_parameters(self) -> dict[str, str]:
        if not self.batch:
            return {}
        source, output = _place("--batch-source", self.batch_source), _place("--batch-output", self.batch_output)
        return {
            "batch": "on",
            "batchSource": "/".join(source),
            "batchSourceBucket": source[0],
            "batchSourcePrefix": source[1],
            "batchOutput": "/".join(output),
            "batchOutputBucket": output[0],
            "batchOutputPrefix": output[1],
            "batchConcurrency": str(self.batch_concurrency),
        }


def _place(option: str, text: str) -> tuple[str, str]:
    """Return the bucket and the prefix of an address in S3; the prefix ends in a slash, or is empty.

    Raises:
        DeployError: it is none, or has signs that cannot be used here.
    """
    match = _PLACE.fullmatch(text)
    if match is None:
        raise DeployError(
            f"{option} {text} cannot be used. Give s3://bucket/prefix; the prefix may have letters, digits and ._=@+-/."
        )
    bucket, prefix = match.groups()
    return bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else ""
