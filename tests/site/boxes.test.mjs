// The geometry of boxes, by example and over many random boxes.
import assert from "node:assert/strict";
import { test } from "node:test";

import { clip, labelSide, place } from "../../site/assets/boxes.js";

const PHOTO = { width: 400, height: 200 };

test("a box is placed in percent of the photo it was measured in", () => {
  const placed = place({ left: 100, top: 50, width: 40, height: 80 }, PHOTO);
  assert.deepEqual(placed, { left: 25, top: 25, width: 10, height: 40 });
});

test("a box over the edge keeps only what lies in the photo", () => {
  const clipped = clip({ left: -30, top: 150, width: 100, height: 100 }, PHOTO);
  assert.deepEqual(clipped, { left: 0, top: 150, width: 70, height: 50 });
});

test("a box beside the photo becomes empty, never negative", () => {
  const { width, height } = clip({ left: 500, top: -90, width: 50, height: 60 }, PHOTO);
  assert.deepEqual({ width, height }, { width: 0, height: 0 });
});

test("no box, wherever it is, is placed outside the photo", () => {
  for (let seed = 0; seed < 500; seed += 1) {
    const { left, top, width, height } = place(randomBox(seed), PHOTO);
    assert.ok(left >= 0 && top >= 0 && width >= 0 && height >= 0);
    assert.ok(left + width <= 100 + 1e-9 && top + height <= 100 + 1e-9);
  }
});

test("a label goes below its box where there is room", () => {
  assert.equal(labelSide({ left: 10, top: 10, width: 20, height: 40 }).vertical, "below");
});

test("a label goes above a box that reaches the lower edge", () => {
  assert.equal(labelSide({ left: 10, top: 50, width: 20, height: 48 }).vertical, "above");
});

test("a label goes into a box that fills the photo", () => {
  assert.equal(labelSide({ left: 0, top: 0, width: 100, height: 100 }).vertical, "inside");
});

test("a label grows towards the middle of the photo", () => {
  assert.equal(labelSide({ left: 0, top: 0, width: 20, height: 20 }).horizontal, "start");
  assert.equal(labelSide({ left: 80, top: 0, width: 20, height: 20 }).horizontal, "end");
});

function randomBox(seed) {
  const next = (step) => Math.abs(Math.sin(seed * 12.9898 + step * 78.233)) * 43758.5453 % 1;
  return { left: 900 * next(1) - 300, top: 900 * next(2) - 300, width: 600 * next(3), height: 600 * next(4) };
}
