// How faces are followed from one frame of the camera to the next.
import assert from "node:assert/strict";
import { test } from "node:test";

import "./english.mjs";
import { contain, follow, mirror, overlap } from "../../site/assets/tracks.js";

const box = (left, top = 30, width = 20, height = 30) => ({ left, top, width, height });
const seen = (name, place) => ({ box: place, face: { known: name !== null, label: name } });

/** The tracks after these frames, each a list of faces. */
const after = (...frames) => frames.reduce((tracks, frame) => follow(tracks, frame), []);
const names = (tracks) => tracks.map(({ name }) => name);

test("equal boxes overlap wholly, boxes apart not at all", () => {
  assert.equal(overlap(box(10), box(10)), 1);
  assert.equal(overlap(box(10), box(20)), 1 / 3);
  assert.equal(overlap(box(10), box(60)), 0);
  assert.equal(overlap(box(10, 10, 0, 0), box(10, 10, 0, 0)), 0);
});

test("a face that moves keeps its track", () => {
  let tracks = after([seen("Ada", box(10))]);
  const [track] = tracks;
  for (const left of [14, 22, 35, 55]) {
    tracks = follow(tracks, [seen("Ada", box(left))]);
    assert.deepEqual(tracks, [track]);
    assert.deepEqual(track.box, box(left));
  }
});

test("two faces side by side keep their own tracks, in whatever order they are found", () => {
  const [ada, grace] = after([seen("Ada", box(10)), seen("Grace", box(34))]);
  const tracks = follow([ada, grace], [seen("Grace", box(38)), seen("Ada", box(14))]);
  assert.deepEqual(tracks, [grace, ada]);
});

test("a name is shown when two frames agree", () => {
  assert.deepEqual(names(after([seen("Ada", box(10))])), [undefined]);
  assert.deepEqual(names(after([seen("Ada", box(10))], [seen("Ada", box(11))])), ["Ada"]);
  assert.deepEqual(names(after([seen(null, box(10))], [seen(null, box(11))])), [null]);
});

test("a single frame with another answer doesn't change the name", () => {
  const ada = [seen("Ada", box(10))];
  for (const other of [null, "Grace"]) {
    assert.deepEqual(names(after(ada, ada, [seen(other, box(10))], ada)), ["Ada"]);
    assert.deepEqual(names(after(ada, ada, [seen(other, box(10))], [seen(other, box(10))])), [other]);
  }
});

test("a stranger who looks like somebody in every other frame gets no name", () => {
  const [stranger, ada] = [[seen(null, box(10))], [seen("Ada", box(10))]];
  assert.deepEqual(names(after(stranger, ada, stranger, ada, stranger, ada)), [undefined]);
  assert.deepEqual(names(after(stranger, stranger, ada, stranger, ada)), [null]);
});

test("a face that is missing in one frame stays, in two frames it goes", () => {
  const ada = [seen("Ada", box(10))];
  assert.deepEqual(names(after(ada, ada, [])), ["Ada"]);
  assert.deepEqual(names(after(ada, ada, [], [])), []);
  assert.deepEqual(names(after(ada, ada, [], ada, [])), ["Ada"]);
});

test("a face somewhere else is another face", () => {
  const tracks = after([seen("Ada", box(0))], [seen("Ada", box(0))], [seen("Grace", box(70))]);
  assert.deepEqual(names(tracks), [undefined, "Ada"]);
});

test("a mirrored box is as far from the other side", () => {
  assert.deepEqual(mirror(box(10)), box(70));
  assert.deepEqual(mirror(mirror(box(13))), box(13));
});

test("a picture is as large as its area allows, and centred bars take the rest", () => {
  assert.deepEqual(contain({ width: 1280, height: 720 }, { width: 640, height: 640 }), { width: 640, height: 360 });
  assert.deepEqual(contain({ width: 480, height: 640 }, { width: 1000, height: 320 }), { width: 240, height: 320 });
  assert.deepEqual(contain({ width: 0, height: 0 }, { width: 1000, height: 320 }), { width: 0, height: 0 });
});
