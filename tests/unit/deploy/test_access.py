"""Who may use a deployed API: what can be asked for, and what a deployment keeps of the one before."""

import pytest

from deploy.access import OPEN, Access, Auth
from deploy.errors import DeployError

ISSUER = "https://login.example.org/pool"
TOKENS = Access(Auth.JWT, ISSUER, "photos")


def outputs_of(access):
    """Return the outputs of a stack that was deployed with this access, as serverless.yml defines them."""
    given = access.parameters()
    always = {"Auth": given["auth"], "Labels": given["labels"]}
    return always | ({"Issuer": given["issuer"], "Audience": given["audience"]} if access.auth is Auth.JWT else {})


@pytest.mark.parametrize("access", [OPEN, Access(Auth.KEY), Access(Auth.IAM, private_labels=True), TOKENS])
def test_what_is_deployed_stays_unless_something_else_is_asked_for(access):
    assert Access.deployed(outputs_of(access)).changed() == access


def test_a_stack_of_an_earlier_version_is_open_as_it_was():
    assert Access.deployed({"HttpApiId": "x"}) == OPEN


def test_a_stack_of_a_newer_version_is_not_taken_for_an_open_one():
    with pytest.raises(DeployError, match="newer version"):
        Access.deployed({"Auth": "passkey"})


def test_each_part_is_changed_alone():
    assert OPEN.changed(private_labels=True) == Access(private_labels=True)
    assert Access(private_labels=True).changed(Auth.KEY) == Access(Auth.KEY, private_labels=True)
    assert TOKENS.changed(audience="others") == Access(Auth.JWT, ISSUER, "others")
    assert TOKENS.changed(Auth.NONE) == OPEN


@pytest.mark.parametrize(
    ("before", "change", "reason"),
    [
        (OPEN, {"auth": Auth.JWT}, "needs --issuer URL and --audience ID"),
        (OPEN, {"auth": Auth.JWT, "issuer": ISSUER}, "needs --issuer URL and --audience ID"),
        (OPEN, {"auth": Auth.JWT, "issuer": "", "audience": "x"}, "needs --issuer URL and --audience ID"),
        (OPEN, {"issuer": ISSUER}, "for --auth jwt only"),
        (OPEN, {"auth": Auth.KEY, "audience": "x"}, "for --auth jwt only"),
        (TOKENS, {"issuer": "http://login.example.org"}, "must begin with https://"),
        (TOKENS, {"issuer": "login.example.org"}, "must begin with https://"),
        (TOKENS, {"issuer": "https://"}, "must begin with https://"),
        (TOKENS, {"issuer": "https://[x"}, "is not an address"),
        (TOKENS, {"issuer": "https://x.org/${env:SECRET}"}, "neither an issuer nor an audience"),
        (TOKENS, {"audience": "two words"}, "neither an issuer nor an audience"),
        (TOKENS, {"audience": "a\nb"}, "neither an issuer nor an audience"),
        (TOKENS, {"audience": "x" * 501}, "neither an issuer nor an audience"),
    ],
)
def test_what_cannot_be_deployed_is_one_sentence(before, change, reason):
    with pytest.raises(DeployError, match=reason):
        before.changed(**change)


@pytest.mark.parametrize(
    ("access", "owner", "visitors"),
    [
        (OPEN, True, False),
        (Access(private_labels=True), True, True),
        (Access(Auth.KEY), True, True),
        (TOKENS, False, False),
        (Access(Auth.IAM, private_labels=True), False, False),
    ],
)
def test_keys_are_used_where_the_function_asks_somebody_for_them(access, owner, visitors):
    assert (access.uses_keys, access.visitors_need_keys) == (owner, visitors)
