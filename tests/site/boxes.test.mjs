// The geometry of boxes, with examples and with random boxes.
import assert from "node:assert/strict";
import { test } from "node:test";

import { clip, inPixelsOf, inReadingOrder, toPercent } from "../../site/assets/boxes.js";
import { labelPosition } from "../../site/assets/label.js";
import { uprightAnswer } from "../../site/assets/turn.js";

const PHOTO = { width: 400, height: 200 };

test("a box is converted to percent of the photo that it was measured in", () => {
  const placed = toPercent({ left: 100, top: 50, width: 40, height: 80 }, PHOTO);
  assert.deepEqual(placed, { left: 25, top: 25, width: 10, height: 40 });
});

test("a box that crosses the edge is cut at the edge", () => {
  const clipped = clip({ left: -30, top: 150, width: 100, height: 100 }, PHOTO);
  assert.deepEqual(clipped, { left: 0, top: 150, width: 70, height: 50 });
});

test("a box outside the photo becomes empty, never negative", () => {
  const { width, height } = clip({ left: 500, top: -90, width: 50, height: 60 }, PHOTO);
  assert.deepEqual({ width, height }, { width: 0, height: 0 });
});

test("every box lies inside the photo after the conversion", () => {
  for (let seed = 0; seed < 500; seed += 1) {
    const { left, top, width, height } = toPercent(randomBox(seed), PHOTO);
    assert.ok(left >= 0 && top >= 0 && width >= 0 && height >= 0);
    assert.ok(left + width <= 100 + 1e-9 && top + height <= 100 + 1e-9);
  }
});

test("a label is below its box if there is room", () => {
  assert.equal(labelPosition({ left: 10, top: 10, width: 20, height: 40 }).vertical, "below");
});

test("a label is above a box that reaches the lower edge", () => {
  assert.equal(labelPosition({ left: 10, top: 50, width: 20, height: 48 }).vertical, "above");
});

test("a label is inside a box that fills the photo", () => {
  assert.equal(labelPosition({ left: 0, top: 0, width: 100, height: 100 }).vertical, "inside");
});

test("a label grows towards the middle of the photo", () => {
  assert.equal(labelPosition({ left: 0, top: 0, width: 20, height: 20 }).horizontal, "start");
  assert.equal(labelPosition({ left: 80, top: 0, width: 20, height: 20 }).horizontal, "end");
});

function randomBox(seed) {
  const next = (step) => Math.abs(Math.sin(seed * 12.9898 + step * 78.233)) * 43758.5453 % 1;
  return { left: 900 * next(1) - 300, top: 900 * next(2) - 300, width: 600 * next(3), height: 600 * next(4) };
}

const answer = (image, ...boxes) => ({ faces: boxes.map((box) => ({ box, label: "Ada" })), image: { ...image, complete: true } });

test("an answer about a smaller copy is converted to pixels of the photo, and keeps everything else", () => {
  const copy = answer({ width: 2048, height: 1536 }, { left: 512, top: 384, width: 100, height: 201 });
  assert.deepEqual(
    inPixelsOf({ width: 4032, height: 3024 }, copy),
    answer({ width: 4032, height: 3024 }, { left: 1008, top: 756, width: 197, height: 396 }),
  );
});

test("the points of a face are converted with its box", () => {
  const copy = { faces: [{ box: { left: 0, top: 0, width: 8, height: 8 }, landmarks: { nose: { x: 4.5, y: -1 } } }], image: { width: 10, height: 20 } };
  const { faces: [face] } = inPixelsOf({ width: 20, height: 60 }, copy);
  assert.deepEqual(face, { box: { left: 0, top: 0, width: 16, height: 24 }, landmarks: { nose: { x: 9, y: -3 } } });
});

test("an answer about the photo itself stays as it is", () => {
  const recognition = answer(PHOTO, { left: -3, top: 1, width: 5, height: 7 });
  assert.equal(inPixelsOf(PHOTO, recognition), recognition);
});

test("converted boxes are in whole pixels, and show the same part of the photo to half a pixel", () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const size = { width: 401 + 13 * seed, height: 203 + 7 * seed };
    const box = randomBox(seed);
    const { faces: [face] } = inPixelsOf(size, answer(PHOTO, box));
    assert.ok(Object.values(face.box).every(Number.isInteger));
    const [x, y] = [size.width / PHOTO.width, size.height / PHOTO.height];
    assert.ok(Math.abs(face.box.left - box.left * x) <= 0.5 + 1e-9);
    assert.ok(Math.abs(face.box.top + face.box.height - (box.top + box.height) * y) <= 0.5 + 1e-9);
  }
});

const faceAt = (left, top, size = 20) => ({ box: { left, top, width: size, height: size } });

/** Rows of faces as on a photo of a group: nobody is exactly beside the other. Named by row and column. */
function group(columns, rows) {
  const places = Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) => [row, column])).flat();
  return places.map(([row, column]) => ({
    ...faceAt(40 * column + 7 * Math.sin(5 * row + 3 * column), 60 * row + 8 * Math.sin(7 * column + row), 30),
    name: `${row}.${column}`,
  }));
}

for (const [columns, rows] of [[5, 4], [20, 1], [1, 20], [10, 6]]) {
  test(`${columns * rows} faces in ${rows} rows are read row by row, whatever their order is`, () => {
    const faces = group(columns, rows);
    const shuffled = [...faces].sort((one, other) => Math.sin(one.box.left * 91) - Math.sin(other.box.left * 91));
    assert.deepEqual(inReadingOrder(shuffled), faces);
    assert.deepEqual(shuffled.length, faces.length);
  });
}

test("from right to left, a row begins at its right end, and the first row is still the upper one", () => {
  const order = inReadingOrder(group(3, 2), true).map(({ name }) => name);
  assert.deepEqual(order, ["0.2", "0.1", "0.0", "1.2", "1.1", "1.0"]);
});

test("a small face beside a large one is in its row", () => {
  const [large, small] = [faceAt(0, 0, 100), faceAt(200, 60, 20)];
  assert.deepEqual(inReadingOrder([small, large]), [large, small]);
});

test("the faces that are given are not sorted themselves", () => {
  const faces = [faceAt(50, 0), faceAt(0, 0)];
  assert.deepEqual(inReadingOrder(faces), [faces[1], faces[0]]);
  assert.equal(faces[0].box.left, 50);
});

test("an answer about a photo that lies on its side is converted to the upright photo", () => {
  const box = { left: 10, top: 20, width: 30, height: 40 };
  const turned = (rotation) => {
    const { image, faces: [face] } = uprightAnswer(answer({ width: 200, height: 100, rotation }, box));
    assert.equal(image.rotation, 0);
    return [image.width, image.height, face.box];
  };
  assert.deepEqual(turned(0), [200, 100, box]);
  assert.deepEqual(turned(90), [100, 200, { left: 40, top: 10, width: 40, height: 30 }]);
  assert.deepEqual(turned(180), [200, 100, { left: 160, top: 40, width: 30, height: 40 }]);
  assert.deepEqual(turned(270), [100, 200, { left: 20, top: 160, width: 40, height: 30 }]);
});

test("the points and the tilt of a face are turned with it", () => {
  const face = { box: { left: 0, top: 0, width: 9, height: 9 }, landmarks: { nose: { x: 10, y: 20 } }, pose: { yaw: 5, pitch: 6, roll: -85 } };
  const turned = (rotation) => uprightAnswer({ faces: [face], image: { width: 200, height: 100, rotation } }).faces[0];
  assert.deepEqual(turned(90).landmarks, { nose: { x: 80, y: 10 } });
  assert.deepEqual(turned(180).landmarks, { nose: { x: 190, y: 80 } });
  assert.deepEqual([90, 180, 270].map((rotation) => turned(rotation).pose.roll), [5, 95, -175]);
  assert.deepEqual([turned(90).pose.yaw, turned(90).pose.pitch], [5, 6]);
});
