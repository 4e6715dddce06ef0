"""Who may use a deployed API. Kept from one deployment to the next, so that none opens it by accident."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self
from urllib.parse import urlsplit

from deploy.errors import DeployError


class Auth(StrEnum):
    """What a request must have: nothing, a key, a JWT, or a signature by AWS credentials."""

    NONE = "none"
    KEY = "key"
    JWT = "jwt"
    IAM = "iam"


_MAX_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use the API.

    `issuer` and `audience` are those of JWTs, "" for every other kind of access. `private_labels` says whether
    `GET /labels` needs a key where the other routes need none.
    """

    auth: Auth = Auth.NONE
    issuer: str = ""
    audience: str = ""
    private_labels: bool = False

    @classmethod
    def deployed(cls, outputs: Mapping[str, str]) -> Self:
        """Return what the outputs of a stack say; an earlier version of Visage deployed APIs for everybody.

        Raises:
            DeployError: a newer version deployed the stack.
        """
        auth = outputs.get("Auth", Auth.NONE)
        if auth not in set(Auth):
            raise DeployError(f"A newer version of Visage deployed this stage, with --auth {auth}. Update Visage.")
        return cls(
            Auth(auth),
            outputs.get("Issuer", ""),
            outputs.get("Audience", ""),
            outputs.get("Labels") == "private",
        )

    def changed(
        self,
        auth: Auth | None = None,
        issuer: str | None = None,
        audience: str | None = None,
        private_labels: bool | None = None,
    ) -> Self:
        """Return the access with these changes; None keeps a value.

        Raises:
            DeployError: issuer and audience are missing, not wanted, or not in their form.
        """
        new = replace(
            self,
            auth=self.auth if auth is None else auth,
            private_labels=self.private_labels if private_labels is None else private_labels,
        )
        if new.auth is not Auth.JWT:
            if issuer or audience:
                raise DeployError("--issuer and --audience are for --auth jwt only.")
            return replace(new, issuer="", audience="")
        new = replace(new, issuer=_or(issuer, self.issuer), audience=_or(audience, self.audience))
        if not new.issuer or not new.audience:
            raise DeployError("--auth jwt needs --issuer URL and --audience ID: those of the tokens to accept.")
        _check_issuer(new.issuer)
        return new

    @property
    def uses_keys(self) -> bool:
        """Whether the function asks for keys: where visitors need none, the owner does."""
        return self.auth in {Auth.KEY, Auth.NONE}

    @property
    def visitors_need_keys(self) -> bool:
        """Whether the function asks for keys where visitors could do without."""
        return self.auth is Auth.KEY or (self.auth is Auth.NONE and self.private_labels)

    def parameters(self) -> dict[str, str]:
        """Return the parameters of serverless.yml."""
        labels = "private" if self.private_labels else "public"
        given = {"auth": str(self.auth), "issuer": self.issuer, "audience": self.audience, "labels": labels}
        return {name: value for name, value in given.items() if value}


OPEN: Final = Access()
"""Everybody may use the API."""


def _or(given: str | None, kept: str) -> str:
    if given is None:
        return kept
    if not given.isprintable() or " " in given or "$" in given or len(given) > _MAX_CHARACTERS:
        raise DeployError(f"{given!r} is neither an issuer nor an audience of JWTs.")
    return given


def _check_issuer(issuer: str) -> None:
    """Check the form of the address. API Gateway itself asks it for its public keys."""
    try:
        parts = urlsplit(issuer)
    except ValueError as error:
        raise DeployError(f"--issuer {issuer} is not an address: {error}.") from error
    is_here = parts.hostname in {"127.0.0.1", "localhost"}  # for the local AWS
    if not parts.hostname or parts.scheme not in ({"https", "http"} if is_here else {"https"}):
        raise DeployError(f"--issuer {issuer} must begin with https:// and the name of a host.")
