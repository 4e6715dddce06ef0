"""Lighthouse's scores for the page, as on a phone.

How fast the page is depends on what else this machine does, so `python -m scripts.screenshots` measures that. Here are
the categories and audits that do not depend on it. They look at the page and not at its hosting, so that the tests' own
server will do; tests/stack/test_site.py has what CloudFront adds.
"""

from scripts.lighthouse import lighthouse, scores

AUDITS = {
    "cumulative-layout-shift",
    "dom-size",
    "duplicated-javascript",
    "legacy-javascript",
    "modern-image-formats",
    "no-document-write",
    "redirects",
    "total-byte-weight",
    "unsized-images",
    "uses-passive-event-listeners",
    "uses-responsive-images",
}


def test_the_page_is_accessible_well_built_and_found_by_search_engines(server):
    report = lighthouse(server.address, ["accessibility", "best-practices", "seo"], AUDITS)
    found = scores(report)
    assert min(found.values()) >= 99, found
    wrong = {
        name: audit["title"] for name, audit in report["audits"].items() if name in AUDITS and audit["score"] < 0.99
    }
    assert wrong == {}, wrong
    assert report["audits"].keys() >= AUDITS
