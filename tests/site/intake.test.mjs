// Which files of a choice, a drop or a paste are taken, and when the page shows that something hovers over it.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { photosOf, watchIntake } from "../../site/assets/intake.js";

const file = (name, type = "image/jpeg") => ({ name, type });
const [ADA, GRACE] = [file("ada.jpg"), file("grace.jpg")];

/** The page: what listens on it, and whether it shows that something is dragged. */
class Page extends EventTarget {
  #classes = new Set();
  body = { classList: { toggle: (name, on) => (on ? this.#classes.add(name) : this.#classes.delete(name)) } };

  get dragging() {
    return this.#classes.has("dragging");
  }

  /** The event has been at `over`, an element of the page. */
  fire(type, about, over = "page") {
    const event = Object.assign(new Event(type, { cancelable: true }), about);
    Object.defineProperty(event, "target", { value: over });
    this.dispatchEvent(event);
    return event;
  }
}

/** What is being dragged: files, or text of another program. */
function dragged(...files) {
  const types = [files.length ? "Files" : "text/plain"];
  return { dataTransfer: { files, types, setData: (type) => types.push(type) } };
}

let page, input, taken;

beforeEach(() => {
  page = globalThis.document = new Page();
  input = new EventTarget();
  taken = [];
  watchIntake(input, (files) => taken.push(files));
});

function choose(...files) {
  Object.assign(input, { files, value: "C:\\fakepath\\ada.jpg" });
  input.dispatchEvent(new Event("change"));
}

test("chosen photos are taken, and can be chosen again", () => {
  choose(ADA, GRACE);
  assert.deepEqual(taken, [[ADA, GRACE]]);
  assert.equal(input.value, "");
});

test("to choose nothing is to leave all as it is", () => {
  choose();
  assert.deepEqual(taken, []);
});

test("pasted photos are taken", () => {
  page.fire("paste", { clipboardData: { files: [ADA] } });
  assert.deepEqual(taken, [[ADA]]);
});

test("a paste without a photo is told of", () => {
  page.fire("paste", { clipboardData: { files: [] } });
  assert.deepEqual(taken, [[]]);
});

test("dropped photos are taken, and the browser doesn't open them", () => {
  const event = page.fire("drop", dragged(ADA, GRACE));
  assert.deepEqual(taken, [[ADA, GRACE]]);
  assert.equal(event.defaultPrevented, true);
});

test("a drop without a photo is told of", () => {
  page.fire("drop", dragged());
  assert.deepEqual(taken, [[]]);
});

test("films and documents among photos are left out, files of no known type are not", () => {
  const heic = file("ada.heic", "");
  assert.deepEqual(photosOf([ADA, file("ada.mov", "video/quicktime"), heic, file("a.pdf", "application/pdf")]), [ADA, heic]);
});

test("a document alone is taken, so that its failure is told", () => {
  const document = file("a.pdf", "application/pdf");
  assert.deepEqual(photosOf([document]), [document]);
});

test("the page shows that something is dragged over it, until it leaves", () => {
  page.fire("dragenter", dragged(ADA));
  assert.equal(page.dragging, true);
  assert.equal(page.fire("dragover", dragged(ADA)).dataTransfer.dropEffect, "copy");
  page.fire("dragleave", dragged(ADA));
  assert.equal(page.dragging, false);
});

test("going from one element to another is not leaving the page", () => {
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

test("what is dragged within the page is nothing to drop there", () => {
  const own = dragged(ADA);
  page.fire("dragstart", own);
  page.fire("dragenter", own);
  assert.equal(page.dragging, false);
  assert.equal(page.fire("dragover", own).dataTransfer.dropEffect, "none");
  assert.equal(page.fire("drop", own).defaultPrevented, true);
  assert.deepEqual(taken, []);
});
