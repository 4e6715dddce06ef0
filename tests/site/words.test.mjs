// What the page says of an answer.
import assert from "node:assert/strict";
import { test } from "node:test";

import { announcement, headline, nameOf, percent, summary } from "../../site/words.js";

const known = (label, probability = 0.9) => ({ known: true, label, probability });
const STRANGER = { known: false, label: null, probability: 0.6, predictions: [{ label: "Ada", probability: 0.6 }] };

test("a stranger is nobody, whoever is nearest", () => {
  assert.equal(nameOf(STRANGER), "Nobody I know");
});

test("a face that isn't known has no name, even when the API sends one", () => {
  assert.equal(nameOf({ ...STRANGER, label: "Ada" }), "Nobody I know");
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

test("the heading of a photo of strangers names nobody", () => {
  assert.equal(headline([STRANGER, STRANGER]), "Nobody I know");
});

test("the line below the heading counts the faces that are known", () => {
  assert.equal(summary([known("Ada"), STRANGER, STRANGER]), "I know 1 of the 3 faces here.");
});

test("one known face is announced with its name and probability", () => {
  assert.equal(announcement([known("Ada", 0.87)]), "Ada, 87%.");
});
