"""The oldest browsers that are supported, and older ones: Chromium without what came later."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.fakes import drawn_photo, jpeg

SIDEWAYS = Image.Exif()
SIDEWAYS[0x0112] = 6  # the photo of a phone held upright

LATER_FUNCTIONS = """
    // Not in all of Safari 15.4, Firefox 102 and Chromium 100.
    for (const [owner, ...names] of [
        [globalThis, "OffscreenCanvas", "Iterator", "CompressionStream", "requestIdleCallback", "ImageCapture",
            "BarcodeDetector", "ClipboardItem", "navigation", "CloseWatcher", "URLPattern", "scheduler", "CookieStore"],
        [Array, "fromAsync"],
        [Array.prototype, "toSorted", "toReversed", "toSpliced", "with", "findLast", "findLastIndex"],
        [Object, "groupBy"], [Map, "groupBy"], [Promise, "withResolvers", "try"], [RegExp, "escape"],
        [Set.prototype, "union", "intersection", "difference", "symmetricDifference", "isSubsetOf", "isSupersetOf"],
        [String.prototype, "isWellFormed", "toWellFormed"], [URL, "canParse", "parse"],
        [Uint8Array, "fromBase64", "fromHex"], [Uint8Array.prototype, "toBase64", "toHex"],
        [Blob.prototype, "bytes"], [Response.prototype, "bytes"], [Response, "json"],
        [AbortSignal, "any", "timeout"], [AbortSignal.prototype, "throwIfAborted"],
        [Intl, "Segmenter", "DurationFormat"], [Document, "parseHTMLUnsafe"],
        [Document.prototype, "startViewTransition"], [CanvasRenderingContext2D.prototype, "roundRect", "reset"],
        [Element.prototype, "checkVisibility", "setHTML", "setHTMLUnsafe", "getHTML", "moveBefore",
            ...Object.getOwnPropertyNames(Element.prototype).filter((name) => name.startsWith("aria"))],
        [HTMLElement.prototype, "inert", "popover", "showPopover", "hidePopover", "togglePopover", "editContext"],
        [HTMLDialogElement.prototype, "requestClose", "closedBy"], [HTMLInputElement.prototype, "showPicker"],
        [HTMLVideoElement.prototype, "requestVideoFrameCallback"], [Navigator.prototype, "connection", "deviceMemory"],
    ]) {
        for (const name of names) delete owner[name];
    }
"""
WITHOUT_ORIENTATION = """
    // Its option is not known: https://github.com/whatwg/html/pull/7858
    const { createImageBitmap: create } = globalThis;
    globalThis.createImageBitmap = async (source, options) => {
        if (options?.imageOrientation === "from-image") throw new TypeError("not a valid value of ImageOrientation");
        return create(source, options);
    };
    delete globalThis.Worker;
"""
WITHOUT_MODULE_WORKERS = """
    // The option `type` is ignored, so the worker stops at its first import.
    const { Worker: AnyWorker } = globalThis;
    globalThis.Worker = class extends AnyWorker { constructor(address) { super(address); } };
"""
WITHOUT_BITMAPS = "delete globalThis.createImageBitmap; delete globalThis.Worker;"

OLDER = {
    "no AbortSignal.reason": "delete AbortSignal.prototype.reason;",
    "no dialog": "delete HTMLDialogElement.prototype.showModal;",
    "no Array.at": "delete Array.prototype.at;",
    "no replaceChildren": "delete Element.prototype.replaceChildren;",
    "no lists in Intl": "delete Intl.ListFormat;",
}
"""What each browser lacks that is too old."""


@pytest.mark.parametrize(
    "removed",
    [LATER_FUNCTIONS, WITHOUT_ORIENTATION, WITHOUT_MODULE_WORKERS, WITHOUT_BITMAPS],
    ids=["later functions", "no orientation of bitmaps", "no module workers", "no bitmaps"],
)
def test_every_supported_browser_goes_from_the_first_photo_to_several(page: Page, server, choose, removed: str):
    page.add_init_script(removed)
    page.goto(server.address)
    expect(page.locator(".names li")).to_have_text(["Ada Lovelace", "Grace Hopper"])
    choose()
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(page.locator("#metadata")).to_have_text(re.compile("^I removed"))
    expect(page.locator(".box")).to_be_visible()
    choose(jpeg(Image.new("RGB", (800, 600), "#88aacc"), exif=SIDEWAYS))
    expect(page.locator("#frame")).to_have_css("aspect-ratio", "600 / 800")
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    assert Image.open(io.BytesIO(server.photos[-1])).size == (600, 800)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the result").click()
    assert download.value.path().stat().st_size > 1000
    choose(*[drawn_photo((640, 400 + number)) for number in range(3)])
    expect(page.get_by_role("button", name=re.compile("^Photo .: Ada Lovelace$"))).to_have_count(3)
    page.get_by_role("button", name="Photo 3").click()
    expect(page.locator("#frame")).to_have_css("aspect-ratio", "640 / 402")


@pytest.mark.parametrize("missing", OLDER)
@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en-US", "This browser is too old for this page."), ("ar", "هذا المتصفح قديم جدًا")],
)
def test_an_older_browser_is_told_so_in_one_sentence(
    chromium: Browser, server, missing: str, language: str, sentence: str
):
    with chromium.new_context(locale=language) as context:
        expect_too_old(context, server.address, OLDER[missing], sentence)


def test_a_browser_without_modules_is_told_so(context: BrowserContext, server):
    context.route("**/main.js", lambda route: route.abort())
    expect_too_old(context, server.address, "delete HTMLScriptElement.prototype.noModule;", "Use Safari 15.4")


def expect_too_old(context: BrowserContext, address: str, removed: str, sentence: str) -> None:
    context.add_init_script(removed)
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_role("alert")).to_contain_text(sentence)
    expect(page.get_by_label("Choose")).to_be_hidden()
    expect(page.locator("#people")).to_be_hidden()


def test_a_new_browser_is_not_told_that_it_is_old(site: Page):
    expect(site.locator("#old")).to_be_hidden()
