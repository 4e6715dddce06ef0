"""Who runs the website: what may be said, how it is kept, and what the pages show of it."""

import io
import json
import re
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

from deploy import owner as owners
from deploy.errors import DeployError
from deploy.owner import UNSAID, Owner
from deploy.stack import Outputs
from deploy.website import SITE

ADA = Owner("Ada Lovelace", "ada@example.org", consent=True)
LANGUAGES = 4


@pytest.fixture
def deployed(monkeypatch):
    """Let the target have a website with this config.json, or None where it has no such file; return the target."""

    def deployed(config, code="NoSuchKey"):
        monkeypatch.setattr(owners.stack, "outputs", lambda _: Outputs("api", "models", "site", "https://x", None))
        return Target(config, code)

    return deployed


class Target:
    def __init__(self, config, code):
        self.config, self.code = config, code

    @contextmanager
    def client(self, _service):
        yield self

    def get_object(self, **_):
        if self.config is None:
            raise ClientError({"Error": {"Code": self.code}}, "GetObject")
        return {"Body": io.BytesIO(self.config.encode())}


def config_of(owner):
    return json.dumps({"api": "https://x", "examples": [], **owner.settings()})


@pytest.mark.parametrize(
    "owner", [UNSAID, ADA, Owner(live=0), Owner("عادة", "https://x.org/me", 'I agree: 1 < 2 & "so" on.')]
)
def test_what_an_owner_said_is_kept_for_the_next_deployment(deployed, owner):
    assert Owner.kept(deployed(config_of(owner))) == owner


@pytest.mark.parametrize(
    "config",
    [None, "", "[]", "7", '{"api": "https://x"}', '{"owner": null}',
     '{"owner": {"name": 7, "contact": "", "consent": false}}', '{"owner": {"name": "Ada"}}',
     '{"owner": {"name": "", "contact": "javascript:alert(1)", "consent": true}}'],
)  # fmt: skip
def test_a_website_of_an_earlier_version_or_a_damaged_one_has_an_owner_who_has_not_said(deployed, config):
    assert Owner.kept(deployed(config)) == UNSAID


def test_before_the_first_deployment_the_owner_has_not_said(monkeypatch):
    monkeypatch.setattr(owners.stack, "outputs", lambda _: None)
    assert Owner.kept("target") == UNSAID


@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied", "NoSuchBucket"])
def test_a_file_or_a_bucket_that_is_gone_has_an_owner_who_has_not_said(deployed, code):
    assert Owner.kept(deployed(None, code=code)) == UNSAID


def test_an_error_of_aws_is_not_taken_for_an_owner_who_has_not_said(deployed):
    with pytest.raises(ClientError):
        Owner.kept(deployed(None, code="InternalError"))


def test_none_keeps_a_value_and_an_empty_text_removes_it():
    assert ADA.changed(None, None, None) == ADA
    assert ADA.changed("", "", False) == UNSAID
    assert ADA.changed(None, " grace@example.org ", "I agree.") == Owner(
        "Ada Lovelace", "grace@example.org", "I agree."
    )


@pytest.mark.parametrize(
    "contact", ["ada@example.org", "mailto:ada@example.org", "ada+visage@übung.example", "https://example.org/contact?a=1&b=2",
                "http://intranet/help"],
)  # fmt: skip
def test_a_contact_is_a_mail_address_or_a_web_address(contact):
    assert UNSAID.changed(None, contact, None).contact == contact.removeprefix("mailto:")


@pytest.mark.parametrize(
    "contact", ["ada", "ada@", "@example.org", "ada@localhost", "a b@example.org", "example.org", "javascript:alert(1)",
                "https://", "//example.org", "https://exa mple.org", 'https://x.org/"', "ftp://example.org", "https://[x"],
)  # fmt: skip
def test_anything_else_is_refused_as_a_contact(contact):
    with pytest.raises(DeployError, match="neither a mail address nor a web address"):
        UNSAID.changed(None, contact, None)


@pytest.mark.parametrize("text", ["two\nlines", "a\ttab", "x" * 301, "\x1b[31mred"])
def test_a_text_that_does_not_fit_a_line_of_the_page_is_refused(text):
    for said in ((text, None, None), (None, None, text)):
        with pytest.raises(DeployError, match=r"--(owner|consent-text) m"):
            UNSAID.changed(*said)


def test_the_options_that_would_complete_the_privacy_page_are_named():
    assert UNSAID.missing == ["--owner", "--contact"]
    assert Owner("Ada").missing == ["--contact"]
    assert ADA.missing == []


@pytest.fixture
def privacy():
    return (SITE / "privacy.html").read_text(encoding="utf-8")


def shown(html):
    """Return the paragraphs about the owner that are not hidden."""
    return [line.strip() for line in html.splitlines() if "<bdi" in line and "hidden" not in line]


def test_without_an_owner_the_privacy_page_says_so_in_every_language(privacy):
    page = UNSAID.on_privacy_page(privacy)
    assert shown(page) == []
    assert len(re.findall(r'<p data-without="(?:name|contact)">', page)) == 2 * LANGUAGES


def test_the_privacy_page_names_the_owner_in_every_language(privacy):
    page = Owner("Ada & <Co>", "ada+x@example.org").on_privacy_page(privacy)
    assert len(shown(page)) == 2 * LANGUAGES
    assert page.count("<bdi>Ada &amp; &lt;Co&gt;</bdi>") == LANGUAGES
    assert page.count('<a href="mailto:ada%2Bx@example.org"><bdi>ada+x@example.org</bdi></a>') == LANGUAGES
    assert "data-without" not in page


def test_a_web_address_as_a_contact_is_a_link(privacy):
    page = Owner("", "https://x.org/?a=1&b=2").on_privacy_page(privacy)
    assert page.count('<a href="https://x.org/?a=1&amp;b=2">') == LANGUAGES
    assert page.count('<p data-without="name">') == LANGUAGES


@pytest.fixture
def index():
    return (SITE / "index.html").read_text(encoding="utf-8")


def test_without_a_consent_line_the_page_stays_as_it_is(index):
    assert UNSAID.on_index(index) == index


def test_the_owners_page_is_linked_only_if_the_owner_wants_it(index):
    hidden, shown = ('<a href="owner.html" data-words="ownerPage"' + end for end in (" hidden>", ">"))
    assert hidden in UNSAID.on_index(index)
    assert shown in Owner(link=True).on_index(index)
    assert shown in Owner(consent=True, link=True).on_index(index)


def test_the_consent_line_has_the_sentence_of_the_page_or_the_owners(index):
    assert '<label class="consent" id="consent">' in ADA.on_index(index)
    assert 'data-words="consent"' in ADA.on_index(index)
    own = Owner(consent=r"I agree: 1 < 2 \1").on_index(index)
    assert r'<span id="agreement" dir="auto">I agree: 1 &lt; 2 \1</span>' in own
    assert 'data-words="consent"' not in own
