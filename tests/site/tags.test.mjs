// The places of names and numbers, with 1 to 60 faces.
import assert from "node:assert/strict";
import { test } from "node:test";

import { placeName, placeTags } from "../../site/assets/tags.js";

const REM = 16;
const PHONE = { width: 328, height: 246 };
const DESKTOP = { width: 760, height: 570 };
const NAME = { width: 110, height: 26 };

/** Faces in rows, each a bit beside its place; `share` is the share of its place that a face takes. */
function crowd(columns, rows, photo, { share = 0.6, seed = 1 } = {}) {
  const random = (step) => (Math.abs(Math.sin(seed * 12.9898 + step * 78.233)) * 43758.5453) % 1;
  const [width, height] = [photo.width / columns, photo.height / rows];
  return Array.from({ length: columns * rows }, (_, index) => ({
    left: ((index % columns) + 0.1 + 0.3 * random(2 * index)) * width,
    top: (Math.floor(index / columns) + 0.1 + 0.3 * random(2 * index + 1)) * height,
    width: width * share,
    height: height * share,
  }));
}

const tagsOf = (boxes, photo, rem = REM) => placeTags(boxes, photo, boxes.map(() => NAME), rem);
const kinds = (tags) => [...new Set(tags.map(({ kind }) => kind))].sort();

function assertApartAndInside(tags, photo) {
  const shown = tags.filter(({ kind }) => kind !== "none");
  for (const [index, one] of shown.entries()) {
    assert.ok(one.left >= 0 && one.left + one.width <= photo.width, "leaves the photo at a side");
    assert.ok(one.top >= 0 && one.top + one.height <= photo.height, "leaves the photo at the top or bottom");
    for (const other of shown.slice(index + 1)) {
      const beside = one.left + one.width <= other.left || other.left + other.width <= one.left;
      assert.ok(beside || one.top + one.height <= other.top || other.top + other.height <= one.top, "two overlap");
    }
  }
}

for (const [columns, rows] of [[2, 1], [3, 2], [5, 4], [10, 2], [4, 5], [10, 6], [12, 5]]) {
  for (const photo of [PHONE, DESKTOP, { width: 246, height: 328 }]) {
    test(`the tags of ${columns * rows} faces are apart and in a photo ${photo.width} pixels wide, wherever the faces are`, () => {
      for (let seed = 1; seed < 20; seed += 1) {
        for (const share of [0.3, 0.6, 1.2]) {
          const boxes = crowd(columns, rows, photo, { share, seed });
          const tags = tagsOf(boxes, photo);
          assertApartAndInside(tags, photo);
          for (const [index, { kind, height }] of tags.entries()) {
            if (kind === "number") assert.ok(height <= 0.6 * Math.min(boxes[index].width, boxes[index].height));
          }
        }
      }
    });
  }
}

test("two faces with room have their names", () => {
  assert.deepEqual(kinds(tagsOf(crowd(2, 1, DESKTOP, { share: 0.4 }), DESKTOP)), ["name"]);
});

test("all faces have their names, or none has", () => {
  const alone = { left: 500, top: 200, width: 100, height: 120 };
  const close = [0, 1, 2].map((number) => ({ left: 60 * number, top: 20, width: 56, height: 60 }));
  assert.deepEqual(kinds(tagsOf([alone, ...close], DESKTOP)), ["number"]);
});

test("twenty faces on a phone have numbers, and sixty have dots", () => {
  assert.deepEqual(kinds(tagsOf(crowd(5, 4, PHONE), PHONE)), ["number"]);
  assert.deepEqual(kinds(tagsOf(crowd(10, 6, PHONE), PHONE)), ["dot"]);
});

test("a tiny face among large ones has a dot, and the large ones keep their numbers", () => {
  const boxes = [...crowd(5, 4, PHONE), { left: 300, top: 230, width: 10, height: 12 }];
  const tags = tagsOf(boxes, PHONE);
  assert.equal(tags[20].kind, "dot");
  assert.deepEqual(kinds(tags.slice(0, 20)), ["number"]);
});

test("numbers are larger on a larger screen", () => {
  const heights = [PHONE, DESKTOP].map((photo) => tagsOf(crowd(10, 6, photo, { share: 0.9 }), photo)[0].height);
  assert.ok(heights[0] < heights[1]);
});

test("numbers grow with the visitor's font size, and never over each other", () => {
  const boxes = crowd(5, 4, DESKTOP, { share: 0.9 });
  assert.ok(tagsOf(boxes, DESKTOP, 2 * REM)[0].height > tagsOf(boxes, DESKTOP)[0].height);
  assertApartAndInside(tagsOf(boxes, DESKTOP, 2 * REM), DESKTOP);
});

test("faces at the same place have tags apart from each other, as far as there is room", () => {
  const tags = tagsOf(Array.from({ length: 20 }, () => ({ left: 100, top: 100, width: 60, height: 60 })), PHONE);
  assertApartAndInside(tags, PHONE);
  assert.ok(tags.filter(({ kind }) => kind === "number").length >= 4);
});

test("the name of one face stays in the photo, wherever the face is", () => {
  for (const left of [0, 100, 300]) {
    for (const top of [0, 100, 220]) assertApartAndInside([placeName({ left, top, width: 28, height: 26 }, PHONE, NAME)], PHONE);
  }
  assertApartAndInside([placeName({ left: 0, top: 0, ...PHONE }, PHONE, NAME)], PHONE);
});

test("a name is below its box if there is room, else above it, else in it", () => {
  const topOf = (top, height) => placeName({ left: 100, top, width: 80, height }, PHONE, NAME).top;
  assert.ok(topOf(10, 100) >= 110);
  assert.ok(topOf(140, 100) + NAME.height <= 140);
  assert.ok(topOf(0, 246) + NAME.height <= 246);
});
