"""Who runs the website, and what its visitors must agree to and may do. Kept from one deployment to the next."""

import json
import re
from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

from botocore.exceptions import ClientError

from deploy import stack
from deploy.errors import DeployError
from deploy.target import Target

_MAX_CHARACTERS: Final = 300
"""For each of the texts: they are one line of a page."""

_MAIL: Final = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+")
_SENTENCE: Final = re.compile(r'<span id="agreement"[^>]*>[^<]*</span>')
"""The page's own sentence of consent, in index.html."""

_HIDDEN_LINK: Final = '<a href="owner.html" data-words="ownerPage" hidden'
"""The link to the owner's page, in index.html."""

MAX_LIVE: Final = 4
"""The page sends no more pictures a second: FASTEST in site/assets/pace.js."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner's name, a mail address or web address, and the consent line.

    An empty text means that the owner has not said. `consent` is the owner's own sentence, True for the sentence of the
    page, False for no consent line. `live` is how many pictures a second the running camera may send; 0 for none.
    `link`: visitors see a link to the owner's page.
    """

    name: str = ""
    contact: str = ""
    consent: str | bool = False
    live: int = MAX_LIVE
    link: bool = False

    @classmethod
    def kept(cls, target: Target) -> Self:
        """Return what the last deployment to the target said, an empty Owner if there was none.

        Raises:
            DeployError: AWS refuses, or cannot be reached.
        """
        outputs = stack.outputs(target)
        if outputs is None:
            return cls()
        with target.client("s3") as s3:
            try:
                body = s3.get_object(Bucket=outputs.site_bucket, Key="config.json")["Body"]
            except ClientError as error:
                # S3 answers AccessDenied for a missing file to whoever may not list the bucket. If the bucket itself is
                # gone, deploy.stack_state says so.
                if error.response["Error"]["Code"] not in {"NoSuchKey", "AccessDenied", "NoSuchBucket"}:
                    raise
                return cls()
            with body:
                return cls._parse(body.read())

    def changed(
        self,
        name: str | None,
        contact: str | None,
        consent: str | bool | None,
        live: int | None = None,
        link: bool | None = None,
    ) -> Self:
        """Return the owner with these changes; None keeps a value, an empty text removes it.

        Raises:
            DeployError: a text is too long or not one line, or the contact is neither a mail address nor a web address.
        """
        if isinstance(consent, str):
            consent = _line("--consent-text", consent)
        return type(self)(
            self.name if name is None else _line("--owner", name),
            self.contact if contact is None else _contact(contact),
            self.consent if consent is None else consent,
            self.live if live is None else min(max(int(live), 0), MAX_LIVE),
            self.link if link is None else bool(link),
        )

    @property
    def missing(self) -> list[str]:
        """The options of `visage deploy` that would complete the privacy page."""
        return [option for option, value in (("--owner", self.name), ("--contact", self.contact)) if not value]

    def settings(self) -> dict[str, Any]:
        """Return the members for config.json, from which the next deployment reads them."""
        return {"owner": asdict(self)}

    def on_privacy_page(self, html: str) -> str:
        """Return the privacy page with name and contact filled in."""
        for part, text in (("name", self.name), ("contact", self.contact)):
            if text:
                html = html.replace(f' data-with="{part}" hidden', "").replace(f' data-without="{part}"', " hidden")
                html = html.replace(f'<bdi data-owner="{part}"></bdi>', f"<bdi>{escape(text)}</bdi>")
        return html.replace('href="#contact"', f'href="{escape(self._contact_address())}"')

    def on_index(self, html: str) -> str:
        """Return the page with the consent line and the link to the owner's page, if the owner wants them."""
        if self.link:
            html = html.replace(_HIDDEN_LINK, _HIDDEN_LINK.removesuffix(" hidden"))
        if not self.consent:
            return html
        html = html.replace(' id="consent" hidden', ' id="consent"')
        if self.consent is True:
            return html
        sentence = f'<span id="agreement" dir="auto">{escape(self.consent)}</span>'
        return _SENTENCE.sub(lambda _: sentence, html)

    def _contact_address(self) -> str:
        return f"mailto:{quote(self.contact, safe='@')}" if _MAIL.fullmatch(self.contact) else self.contact

    @classmethod
    def _parse(cls, config: bytes) -> Self:
        """Read the members of config.json; whatever is not as this version writes it counts as not said."""
        try:
            said = json.loads(config)["owner"]
            return cls().changed(said["name"], said["contact"], said["consent"], said.get("live"), said.get("link"))
        except (ValueError, LookupError, TypeError, AttributeError, DeployError):
            return cls()


UNSAID: Final = Owner()
"""An owner who has not said anything."""


def _line(option: str, text: str) -> str:
    """Return the text without spaces at its ends, after checking that it fits into a line of the page."""
    text = text.strip()
    if not all(character.isprintable() for character in text):
        raise DeployError(f"{option} must be one line of text.")
    if len(text) > _MAX_CHARACTERS:
        raise DeployError(f"{option} may have {_MAX_CHARACTERS} characters; this one has {len(text)}.")
    return text


def _contact(text: str) -> str:
    text = _line("--contact", text).removeprefix("mailto:")
    if not text or _MAIL.fullmatch(text) or _is_web_address(text):
        return text
    raise DeployError(f"--contact {text} is neither a mail address nor a web address that begins with https://.")


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"[\s\"<>]", text)
