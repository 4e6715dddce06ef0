// Several photos: the summary, what screen readers hear, the saved files, and what the tab keeps.
import assert from "node:assert/strict";
import { test } from "node:test";

import "./english.mjs";
import { Announcer } from "../../site/assets/announcer.js";
import { Failure } from "../../site/assets/failure.js";
import { Queue } from "../../site/assets/queue.js";
import { csvOf, jsonOf } from "../../site/assets/save.js";
import { groupOf, overview } from "../../site/assets/sentences.js";
import { Tab } from "../../site/assets/tab.js";

const BOX = { left: -3, top: 20, width: 30, height: 40 };
const face = (label) => ({ box: BOX, known: Boolean(label), label, probability: 0.9834, predictions: [] });
const answered = (name, ...labels) => ({
  file: { name },
  state: "answered",
  recognition: { faces: labels.map(face), image: { width: 800, height: 600 }, model: { version: "3f9c" } },
});
const failed = (name) => ({ file: { name }, state: "failed", failure: new Failure("No face.", { type: "no-face" }) });
const WAITING = { file: { name: "w.jpg" }, state: "waiting" };

test("a photo is known if somebody in it is", () => {
  assert.deepEqual([answered("a", null, "Ada"), answered("b", null), failed("c"), WAITING].map(groupOf), ["known", "stranger", "failed", "open"]);
});

test("the summary says how far the photos are, and at the end how many are known", () => {
  assert.equal(overview([answered("a", "Ada"), failed("b"), WAITING]), "2 of 3 done, 1 known. 1 without a result.");
  assert.equal(overview([answered("a", "Ada"), answered("b", null)]), "1 of 2 known.");
});

/** What a screen reader hears when `count` photos get their answers at these times, in milliseconds. */
function heard(t, count, msEach) {
  t.mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
  const sentences = [];
  const status = { set textContent(sentence) { sentences.push(sentence); } };
  const items = Array.from({ length: count }, () => ({ ...WAITING }));
  const announcer = new Announcer(status);
  announcer.begin(items);
  for (const item of items) {
    for (const state of ["preparing", "sending", "working"]) announcer.update(Object.assign(item, { state, progress: 0 }), items);
    t.mock.timers.tick(msEach);
    announcer.update(Object.assign(item, answered("a", "Ada")), items);
  }
  return sentences;
}

test("twenty quick photos are announced at the start and at the end", (t) => {
  assert.deepEqual(heard(t, 20, 400), ["0 of 20 done, 0 known.", "20 of 20 known."]);
});

test("slow photos are also announced every ten seconds", (t) => {
  assert.deepEqual(heard(t, 5, 6000), ["0 of 5 done, 0 known.", "2 of 5 done, 2 known.", "4 of 5 done, 4 known.", "5 of 5 known."]);
});

test("every step of a single photo is announced", (t) => {
  assert.deepEqual(heard(t, 1, 400), ["Looking for faces…", "Ada, 98.3%."]);
});

test("a question is announced once, whatever the pace", () => {
  const sentences = [];
  const items = [{ ...WAITING }, { ...WAITING }];
  const announcer = new Announcer({ set textContent(sentence) { sentences.push(sentence); } });
  announcer.begin(items);
  for (const item of items) announcer.update(Object.assign(item, { state: "asking" }), items);
  assert.equal(sentences.length, 2);
  assert.match(sentences[1], /can’t open this photo/);
});

test("CSV has a row for each face in RFC 4180, a byte order mark for Excel, and a confidence only for known people", () => {
  const text = csvOf([answered('a "b",c.jpg', "Ada", null), failed("d.jpg"), WAITING]);
  assert.ok(text.startsWith("\ufefffile,result,face,name,confidence,left,"));
  assert.deepEqual(text.split("\r\n").slice(1), [
    '"a ""b"",c.jpg",known,1,Ada,0.9834,-3,20,30,40,800,600,',
    '"a ""b"",c.jpg",not known,2,,,-3,20,30,40,800,600,',
    "d.jpg,failed,,,,,,,,,,No face.",
    "w.jpg,waiting,,,,,,,,,,",
    "",
  ]);
});

for (const name of ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\u00a0=1", "\uff1d1", "\r\n=1"]) {
  test(`a spreadsheet does not run a person or a file called ${JSON.stringify(name)}`, () => {
    const [, row] = csvOf([answered(name, name)]).split(/\r\n(?=["'])/);
    const cells = row.split(/,(?=["'k])|,(?=\d)/);
    assert.match(cells[0], /^"?'/);
    assert.match(cells[3], /^"?'/);
  });
}

test("JSON has the boxes in the photo's own pixels, and no name or confidence of a stranger", () => {
  const [one, other, last] = JSON.parse(jsonOf([answered("a.jpg", "Ada", null), failed("b.jpg"), { state: "cancelled" }]));
  assert.deepEqual(one.faces, [{ box: BOX, known: true, name: "Ada", confidence: 0.9834 }, { box: BOX, known: false }]);
  assert.deepEqual([one.file, one.image, one.model], ["a.jpg", { width: 800, height: 600 }, { version: "3f9c" }]);
  assert.deepEqual([other.failure, last.file], [{ type: "no-face", reason: "No face." }, ""]);
});

/** A photo that was turned clockwise by 90 degrees. */
function turned() {
  const { recognition, ...item } = answered("a.jpg", "Ada");
  const box = { left: 60, top: 700, width: 40, height: 30 };
  const original = { ...recognition, faces: [{ ...recognition.faces[0], box }], image: { width: 600, height: 800, rotation: 90 } };
  return { ...item, recognition, original };
}

test("the saved boxes of a photo that was turned are those of the photo that was chosen, and JSON says how it lies", () => {
  const [{ faces: [{ box }], image }] = JSON.parse(jsonOf([turned()]));
  assert.deepEqual([box, image], [turned().original.faces[0].box, { width: 600, height: 800, rotation: 90 }]);
  assert.match(csvOf([turned()]), /,60,700,40,30,600,800,/);
});

test("a photo that was turned is still known as it was chosen after a reload", async () => {
  const store = storage();
  await new Tab(store).keep({ ...turned(), id: 1 }, 1, () => true);
  const [item] = new Tab(store).restore(1);
  assert.deepEqual([item.recognition, item.original], [turned().recognition, turned().original]);
});

/** A tab's storage with room for this many characters. */
function storage(room = Infinity) {
  const used = (store) => Object.values(store).reduce((sum, text) => sum + text.length, 0);
  return Object.create({
    getItem(key) { return Object.hasOwn(this, key) ? this[key] : null; },
    removeItem(key) { delete this[key]; },
    setItem(key, value) {
      if (used({ ...this, [key]: value }) > room) throw new Error("QuotaExceededError");
      this[key] = value;
    },
  });
}

const wanted = () => true;

test("results come back in the order of their photos, each choice apart, and nothing else of the tab is touched", async () => {
  const store = storage();
  store.setItem("language", "es");
  const tab = new Tab(store);
  for (const [id, choice, name] of [[12, 2, "c.jpg"], [11, 2, "b.jpg"], [9, 1, "a.jpg"]]) {
    await tab.keep({ ...answered(name, "Ada"), id }, choice, wanted);
  }
  await tab.keep({ ...failed("d.jpg"), id: 13 }, 2, wanted);
  await tab.keep({ ...failed("e.jpg"), id: 14 }, 2, () => false);
  assert.equal(tab.newest, 2);
  const items = new Tab(store).restore(2);
  assert.deepEqual(items.map(({ file, state }) => [file.name, state]), [["b.jpg", "answered"], ["c.jpg", "answered"], ["d.jpg", "failed"]]);
  assert.deepEqual([items[2].failure.message, items[2].failure.retryable, items[0].sent], ["No face.", false, undefined]);
  tab.drop(items[0]);
  assert.equal(tab.restore(2).length, 2);
  tab.forget();
  assert.deepEqual(Object.keys(store), ["language"]);
});

for (const [name, room] of [["the page's own limit", Infinity], ["less room in the browser", 500_000]]) {
  test(`the oldest results are dropped: ${name}`, async () => {
    const tab = new Tab(storage(room));
    const long = "x".repeat(100_000);
    for (let id = 1; id <= 30; id += 1) await tab.keep({ ...answered(`${id} ${long}`, "Ada"), id }, 1, wanted);
    const ids = tab.restore(1).map((item) => item.id);
    assert.equal(ids.at(-1), 30);
    assert.ok(ids.length < 20 && ids.length >= 4, String(ids));
    assert.deepEqual(ids, ids.map((_, index) => 31 - ids.length + index));
  });
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

function queueOf(...files) {
  const requests = [];
  const recognize = (blob, { signal, onStart }) =>
    new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      onStart();
      requests.push({ blob, resolve, signal });
    });
  const queue = new Queue({ prepare: async (file) => ({ blob: file, preview: file }), recognize });
  queue.replace(files);
  return { queue, requests };
}

test("added photos are sent after those that are there, which go on", async () => {
  const { queue, requests } = queueOf("a");
  queue.add(["b", "c"]);
  await settled();
  assert.deepEqual(requests.map(({ blob }) => blob), ["a", "b"]);
  assert.equal(requests[0].signal.aborted, false);
  assert.deepEqual(queue.items.map(({ file }) => file), ["a", "b", "c"]);
  const ids = queue.items.map(({ id }) => id);
  assert.deepEqual([...ids].sort((one, other) => one - other), ids);
});

test("a removed photo is aborted, and lets the next one start", async () => {
  const { queue, requests } = queueOf("a", "b", "c");
  await settled();
  queue.remove(queue.items[0]);
  await settled();
  assert.ok(requests[0].signal.aborted);
  assert.deepEqual(requests.map(({ blob }) => blob), ["a", "b", "c"]);
  assert.deepEqual(queue.items.map(({ file }) => file), ["b", "c"]);
});

test("all that is under way can be cancelled, and sent again together", async () => {
  const { queue, requests } = queueOf("a", "b", "c", "d");
  await settled();
  requests[0].resolve({ faces: [], image: { width: 4, height: 3 } });
  await settled();
  queue.cancelAll();
  await settled();
  assert.deepEqual(queue.items.map(({ state }) => state), ["answered", "cancelled", "cancelled", "cancelled"]);
  assert.equal(requests.length, 3);
  queue.retry(queue.items[3]);
  await settled();
  assert.deepEqual(queue.items.map(({ state }) => state), ["answered", "sending", "sending", "waiting"]);
});
