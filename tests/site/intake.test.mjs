// Which files come into the page by a choice, a drop or a paste, and when the page shows that a file is dragged over it.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { watchIntake } from "../../site/assets/intake.js";

const file = (name, type = "image/jpeg") => ({ name, type });
const [ADA, GRACE] = [file("ada.jpg"), file("grace.jpg")];

/** A fake page: its listeners, and whether it shows that a file is dragged over it. */
class Page extends EventTarget {
  #classes = new Set();
  body = { classList: { toggle: (name, on) => (on ? this.#classes.add(name) : this.#classes.delete(name)) } };

  get dragging() {
    return this.#classes.has("dragging");
  }

  /** Sends an event whose target is `over`, an element of the page. */
  fire(type, about, over = "page") {
    const event = Object.assign(new Event(type, { cancelable: true }), about);
    Object.defineProperty(event, "target", { value: over });
    this.dispatchEvent(event);
    return event;
  }
}

/** The data of a drag: files, or else the text of another program. A browser lists folders among the files. */
function dragged(...files) {
  const types = [files.length ? "Files" : "text/plain"];
  const entry = ({ name, isDirectory = false }) => ({ kind: "file", webkitGetAsEntry: () => ({ name, isDirectory }) });
  const items = files.length ? files.map(entry) : [{ kind: "string", webkitGetAsEntry: () => null }];
  return { dataTransfer: { files, items, types, setData: (type) => types.push(type) } };
}

let page, input, taken, nothings;

beforeEach(() => {
  page = globalThis.document = new Page();
  input = Object.assign(new EventTarget(), { files: [] });
  taken = [];
  nothings = 0;
  watchIntake(input, (...files) => taken.push(files), () => (nothings += 1));
});

function choose(...files) {
  Object.assign(input, { files, value: "C:\\fakepath\\ada.jpg" });
  input.dispatchEvent(new Event("change"));
}

test("chosen photos are taken, and can be chosen again", () => {
  choose(ADA, GRACE);
  assert.deepEqual(taken, [[[ADA, GRACE], []]]);
  assert.equal(input.value, "");
});

test("photos that were chosen while the page was loading are taken", () => {
  input.files = [ADA];
  watchIntake(input, (...files) => taken.push(files), () => {});
  assert.deepEqual(taken, [[[ADA], []]]);
});

test("choosing nothing changes nothing", () => {
  choose();
  assert.deepEqual(taken, []);
});

test("pasted photos are taken", () => {
  page.fire("paste", { clipboardData: { files: [ADA] } });
  assert.deepEqual(taken, [[[ADA], []]]);
});

test("a paste of text changes nothing", () => {
  page.fire("paste", { clipboardData: { files: [] } });
  assert.deepEqual([taken, nothings], [[], 0]);
});

test("dropped photos are taken, and the browser doesn't open them", () => {
  const event = page.fire("drop", dragged(ADA, GRACE));
  assert.deepEqual(taken, [[[ADA, GRACE], []]]);
  assert.equal(event.defaultPrevented, true);
});

test("a drop without a file is reported, and no files are taken", () => {
  page.fire("drop", dragged());
  assert.deepEqual([taken, nothings], [[], 1]);
});

test("dropped folders are named apart from the files beside them", () => {
  page.fire("drop", dragged(ADA, { name: "holiday", type: "", isDirectory: true }));
  assert.deepEqual(taken, [[[ADA], ["holiday"]]]);
});

test("the page shows that a file is dragged over it, until the drag leaves", () => {
  page.fire("dragenter", dragged(ADA));
  assert.equal(page.dragging, true);
  assert.equal(page.fire("dragover", dragged(ADA)).dataTransfer.dropEffect, "copy");
  page.fire("dragleave", dragged(ADA));
  assert.equal(page.dragging, false);
});

test("a drag from one element to another does not leave the page", () => {
  page.fire("dragenter", dragged(ADA), "page");
  page.fire("dragenter", dragged(ADA), "photo");
  page.fire("dragleave", dragged(ADA), "page");
  assert.equal(page.dragging, true);
  page.fire("dragleave", dragged(ADA), "photo");
  assert.equal(page.dragging, false);
});

test("a drop ends the dragging", () => {
  page.fire("dragenter", dragged(ADA));
  page.fire("drop", dragged(ADA));
  assert.equal(page.dragging, false);
});

test("a drag that starts in the page can't be dropped there", () => {
  const own = dragged(ADA);
  page.fire("dragstart", own);
  page.fire("dragenter", own);
  assert.equal(page.dragging, false);
  assert.equal(page.fire("dragover", own).dataTransfer.dropEffect, "none");
  assert.equal(page.fire("drop", own).defaultPrevented, true);
  assert.deepEqual(taken, []);
});
