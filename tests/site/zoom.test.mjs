// Which part of the photo is shown, with examples and with random moves.
import assert from "node:assert/strict";
import { test } from "node:test";

import "./english.mjs";
import { MAX_ZOOM, WHOLE, between, move, near, wheelFactor, zoomAt } from "../../site/assets/zoom.js";

const CENTRE = { x: 0.5, y: 0.5 };

test("zooming in keeps the point under the fingers where it is", () => {
  const point = { x: 0.8, y: 0.3 };
  const before = { left: 0.1, top: 0.2, size: 0.6 };
  const after = zoomAt(before, 1.7, point);
  for (const [side, axis] of [["left", "x"], ["top", "y"]]) {
    assert.ok(Math.abs(after[side] + point[axis] * after.size - (before[side] + point[axis] * before.size)) < 1e-9);
  }
});

test("zooming out ends at the whole photo, and zooming in at the largest zoom", () => {
  assert.deepEqual(zoomAt({ left: 0.6, top: 0.1, size: 0.3 }, 0.1, { x: 0.9, y: 0.1 }), WHOLE);
  assert.equal(zoomAt(WHOLE, 1000, CENTRE).size, 1 / MAX_ZOOM);
});

test("the photo follows the finger, and stops at its edge", () => {
  const view = { left: 0.5, top: 0.5, size: 0.25 };
  assert.deepEqual(move(view, { x: 0.4, y: -0.4 }), { left: 0.4, top: 0.6, size: 0.25 });
  assert.deepEqual(move(view, { x: 9, y: -9 }), { left: 0, top: 0.75, size: 0.25 });
  assert.deepEqual(move(WHOLE, { x: 0.4, y: 0.4 }), WHOLE);
});

test("a face that is brought near is in the middle and fills two fifths", () => {
  const { left, top, size } = near({ left: 40, top: 50, width: 8, height: 16 });
  assert.deepEqual([left, top, size].map((value) => Number(value.toFixed(6))), [0.24, 0.38, 0.4]);
});

test("a face at the edge is shown up to the edge, and a face that fills the photo with all of it", () => {
  assert.deepEqual(near({ left: 0, top: 90, width: 10, height: 10 }), { left: 0, top: 0.75, size: 0.25 });
  assert.deepEqual(near({ left: 20, top: 10, width: 50, height: 80 }), WHOLE);
});

test("a tiny face is not shown larger than the largest zoom", () => {
  assert.equal(near({ left: 50, top: 50, width: 0.1, height: 0.1 }).size, 1 / MAX_ZOOM);
});

test("the way between two views begins and ends at them", () => {
  const to = near({ left: 40, top: 50, width: 8, height: 16 });
  assert.deepEqual(between(WHOLE, to, 0), WHOLE);
  assert.deepEqual(between(WHOLE, to, 1), to);
});

test("a notch of a wheel zooms the same in pixels and in lines, and never far", () => {
  assert.ok(wheelFactor(-100, 0) > 1.2 && wheelFactor(-100, 0) < 2);
  assert.equal(wheelFactor(-3, 1), wheelFactor(-100, 0));
  assert.equal(wheelFactor(-100, 0) * wheelFactor(100, 0), 1);
  assert.ok(wheelFactor(-2, 0) < 1.05);
});

test("nothing outside of the photo is ever shown, whatever the visitor does", () => {
  let view = WHOLE;
  for (let seed = 0; seed < 2000; seed += 1) {
    const [a, b, c] = [1, 2, 3].map((step) => random(seed, step));
    view = seed % 2 ? zoomAt(view, 0.2 + 3 * a, { x: 2 * b - 0.5, y: 2 * c - 0.5 }) : move(view, { x: 4 * a - 2, y: 4 * b - 2 });
    const { left, top, size } = view;
    assert.ok(size >= 1 / MAX_ZOOM && size <= 1);
    for (const start of [left, top]) assert.ok(start >= 0 && start + size <= 1 + 1e-9);
  }
});

const random = (seed, step) => (Math.abs(Math.sin(seed * 12.9898 + step * 78.233)) * 43758.5453) % 1;
