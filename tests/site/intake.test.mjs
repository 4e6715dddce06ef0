// Which files of a choice, a drop or a paste are used, and when the page shows that a file is dragged over it.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { photosOf, watchIntake } from "../../site/assets/intake.js";

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

/** The data of a drag: files, or else the text of another program. */
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

test("choosing nothing changes nothing", () => {
  choose();
  assert.deepEqual(taken, []);
});

test("pasted photos are taken", () => {
  page.fire("paste", { clipboardData: { files: [ADA] } });
  assert.deepEqual(taken, [[ADA]]);
});

test("a paste without a photo is reported", () => {
  page.fire("paste", { clipboardData: { files: [] } });
  assert.deepEqual(taken, [[]]);
});

test("dropped photos are taken, and the browser doesn't open them", () => {
  const event = page.fire("drop", dragged(ADA, GRACE));
  assert.deepEqual(taken, [[ADA, GRACE]]);
  assert.equal(event.defaultPrevented, true);
});

test("a drop without a photo is reported", () => {
  page.fire("drop", dragged());
  assert.deepEqual(taken, [[]]);
});

test("films and documents among photos are left out, files of unknown type are not", () => {
  const heic = file("ada.heic", "");
  assert.deepEqual(photosOf([ADA, file("ada.mov", "video/quicktime"), heic, file("a.pdf", "application/pdf")]), [ADA, heic]);
});

test("a document alone is used, so that its failure is shown", () => {
  const document = file("a.pdf", "application/pdf");
  assert.deepEqual(photosOf([document]), [document]);
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
