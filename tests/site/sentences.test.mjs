// The page's sentences about an answer.
import assert from "node:assert/strict";
import { test } from "node:test";

import "./english.mjs";
import {
  announcement, closest, headline, metadataNote, nameOf, percent, progress, quality, shortResult, summary, timings, title,
} from "../../site/assets/sentences.js";

let left = 0;
/** Each face is to the right of those before. */
const known = (label, probability = 0.9) => ({ known: true, label, probability, box: { left: (left += 50), top: 0, width: 40, height: 40 } });
const UNNAMED = { known: false, label: null, probability: 0.6, predictions: [{ label: "Ada", probability: 0.6 }] };
const STRANGER = { ...UNNAMED, box: { left: 0, top: 0, width: 40, height: 40 } };

test("a stranger gets no name", () => {
  assert.equal(nameOf(STRANGER), "Unknown");
});

test("a face that isn't known has no name, even when the API sends one", () => {
  assert.equal(nameOf({ ...STRANGER, label: "Ada" }), "Unknown");
});

test("the people closest to a stranger are in the order of similarity, or else as the API orders them", () => {
  const people = (...similarities) => similarities.map((similarity, index) => ({ label: "ABC"[index], similarity }));
  const order = (predictions) => closest({ predictions }).map(({ label }) => label).join("");
  assert.equal(order(people(0.1, 0.3, 0.2)), "BCA");
  assert.equal(order(people(undefined, undefined, undefined)), "ABC");
});

test("a probability has one digit after the point at most", () => {
  assert.equal(percent(0.98765), "98.8%");
  assert.equal(percent(0.5), "50%");
});

test("no probability is shown as certainty", () => {
  assert.equal(percent(1), "over 99.9%");
  assert.equal(percent(0.9994), "99.9%");
});

test("the heading names everybody known, once", () => {
  assert.equal(headline([known("Ada"), STRANGER, known("Grace"), known("Joan"), known("Ada")]), "Ada, Grace and Joan");
});

test("the heading names three people in the order in which one reads, and counts the others", () => {
  const faces = ["Ada", "Grace", "Joan", "Mary", "Ada", "Katherine"].map((label) => known(label));
  const sentence = headline([...faces].reverse());
  assert.equal(sentence, "Ada, Grace, Joan and 2 more");
  assert.equal(announcement(faces), `${sentence}. I know everyone in this photo.`);
});

test("the heading of a photo of strangers names nobody", () => {
  assert.equal(headline([STRANGER, STRANGER]), "Nobody I know");
});

test("the line below the heading counts the faces that are known", () => {
  assert.equal(summary([known("Ada"), STRANGER, STRANGER]), "I know 1 of the 3 faces in this photo.");
});

test("no percentage is announced for a stranger, and the answer is said once", () => {
  assert.equal(announcement([STRANGER]), "I found a face, but it isn’t anyone I know.");
  assert.equal(announcement([STRANGER, STRANGER]), "I found 2 faces, but they aren’t anyone I know.");
  assert.equal(announcement([known("Ada"), STRANGER]), "Ada. I know 1 of the 2 faces in this photo.");
});

test("one known face is announced with its name and probability", () => {
  assert.equal(announcement([known("Ada", 0.87)]), "Ada, 87%.");
});

test("each step of a photo has a sentence", () => {
  assert.equal(progress({ state: "sending", progress: 0.426 }), "Sending… 43%");
  const failure = { summary: "I can’t reach the service." };
  const pausing = (pauseMs) => progress({ state: "pausing", pauseMs, failure, since: 0 });
  assert.equal(pausing(2600), "I can’t reach the service. Trying again in 3 seconds…");
  assert.equal(pausing(90), "I can’t reach the service. Trying again in 1 second…");
  assert.equal(progress({ state: "cancelled" }), "You cancelled this photo.");
});

test("a thumbnail has a short result", () => {
  assert.equal(shortResult({ state: "answered", recognition: { faces: [known("Ada")] } }), "Ada");
  assert.equal(shortResult({ state: "failed", failure: new Error("No face was found.") }), "No face was found.");
  assert.equal(shortResult({ state: "waiting" }), "Waiting for its turn…");
});

const heldOut = (faces) => ({ faces, name_right: 1, recognised: 0.9753, expected_calibration_error: 0.01 });

test("the measured quality is shown in sentences", () => {
  assert.deepEqual(quality({ measured: { held_out: heldOut(81), false_accept_rate: 0.01 } }), [
    "Tested on 81 new photos: 79 named correctly.",
    "At most 1 stranger in 100 gets a wrong name.",
  ]);
});

for (const measured of [undefined, {}, { held_out: null, false_accept_rate: null }]) {
  test(`quality that wasn't measured isn't shown: ${JSON.stringify(measured)}`, () => {
    assert.deepEqual(quality({ measured }), []);
  });
}

test("a test on fewer than 20 faces isn't shown", () => {
  for (const faces of [1, 2, 19]) assert.deepEqual(quality({ measured: { held_out: heldOut(faces) } }), []);
  assert.equal(quality({ measured: { held_out: heldOut(20) } }).length, 1);
});

test("timings are in the order of the steps", () => {
  assert.deepEqual(timings({ total: 103.2, decode: 8.13 }), [["Reading the photo", "8.1 ms"], ["Total", "103 ms"]]);
});

test("a photo without metadata is said to be so, and only such a photo", () => {
  const preview = new Blob(["photo"]);
  for (const state of ["sending", "working", "pausing", "answered", "failed", "cancelled"]) {
    assert.match(metadataNote({ state, preview }), /removed the place and time/);
    assert.doesNotMatch(metadataNote({ state, preview: null }), /removed/);
    assert.equal(metadataNote({ state }), "");
  }
});

test("a photo with metadata is said to be so when it is sent, and not while the page still asks", () => {
  for (const state of ["sending", "working", "answered", "failed"]) {
    assert.match(metadataNote({ state, preview: null }), /is sent unchanged/);
  }
  for (const state of ["asking", "cancelled", "waiting"]) assert.equal(metadataNote({ state, preview: null }), "");
});

test("the seconds of a wait are counted from the third on, and those until the next attempt from its first", () => {
  const working = { state: "working", since: 1000 };
  const counted = [2000, 3999, 4000, 65_000].map((now) => progress(working, now));
  const sentence = "Looking for faces…";
  assert.deepEqual(counted, [sentence, sentence, `${sentence} 3s`, `${sentence} 64s`]);
  const pausing = { state: "pausing", pauseMs: 5000, failure: { summary: "Busy." }, since: 1000 };
  assert.equal(progress(pausing, 3000), "Busy. Trying again in 3 seconds…");
  assert.equal(progress(pausing, 9000), "Busy. Trying again in 1 second…");
});

test("the title names the answer of the selected photo, or how many photos have one", () => {
  const answered = { state: "answered", recognition: { faces: [known("Ada")] } };
  const [waiting, failed] = [{ state: "waiting" }, { state: "failed" }];
  assert.equal(title([answered], answered), "Ada – Visage");
  assert.equal(title([failed], failed), "That didn’t work – Visage");
  assert.equal(title([waiting], waiting), "Looking for faces… – Visage");
  assert.equal(title([answered, waiting, waiting], answered), "2 of 3… – Visage");
  assert.equal(title([answered, failed], answered), "Ada – Visage");
});
