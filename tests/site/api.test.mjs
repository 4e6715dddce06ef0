// The requests to the API, and how its responses are read. The browser's XMLHttpRequest is a fake.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import "./english.mjs";
import { access, alignedFace, labels, recognize, recognizeFrame } from "../../site/assets/api.js";
import { Replaced, Traffic } from "../../site/assets/traffic.js";

const API = "https://api.example";
const PHOTO = new Blob(["photo"], { type: "image/jpeg" });
const RECOGNITION = { faces: [], image: { width: 4, height: 3 } };
const LABELS = { labels: ["Ada"], people: [{ label: "Ada", enrolled: false }], measured: {}, model: { version: "1" } };

/** A fake request. The next function of `plays` decides what happens to it. */
class Request {
  static HEADERS_RECEIVED = 2;
  static plays = [];
  static made = [];

  upload = {};
  sent = {};
  aborted = false;

  setRequestHeader(name, value) {
    this.sent[name] = value;
  }

  open(method, url) {
    Object.assign(this, { method, url });
  }

  send(body) {
    this.body = body;
    Request.made.push(this);
    const play = Request.plays.shift();
    queueMicrotask(() => play(this));
  }

  abort() {
    this.aborted = true;
  }

  getAllResponseHeaders() {
    return Object.entries(this.headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  }

  begin() {
    this.readyState = Request.HEADERS_RECEIVED;
    this.onreadystatechange();
  }
}

const answer = (status, body, headers = {}) => (request) => {
  request.begin();
  const response = new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body)).buffer;
  Object.assign(request, { status, headers, response });
  request.onload();
};
const lose = (request) => request.onerror();
const silence = () => {};

beforeEach(() => {
  globalThis.XMLHttpRequest = Request;
  Request.made = [];
  online(true);
});

function online(onLine) {
  Object.defineProperty(globalThis, "navigator", { value: { onLine }, configurable: true });
}

function played(...plays) {
  Request.plays = plays;
}

const ask = (progress = {}) =>
  recognize(API, PHOTO, { signal: new AbortController().signal, traffic: new Traffic(), ...progress });

/** Resolves when all promises that can settle now have settled: setImmediate runs after every microtask. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a photo is posted as the form field `image`, without its name", async () => {
  played(answer(200, RECOGNITION));
  assert.deepEqual(await ask(), RECOGNITION);
  const [{ method, url, body }] = Request.made;
  assert.deepEqual([method, url], ["POST", "https://api.example/recognize"]);
  assert.deepEqual([...body.keys()], ["image"]);
  assert.equal(await body.get("image").text(), "photo");
  assert.equal(body.get("image").name, "photo");
});

test("the begin of an upload, its progress and its end are reported", async () => {
  const events = [];
  played((request) => {
    request.upload.onprogress({ loaded: 1, total: 4 });
    request.upload.onprogress({ loaded: 4, total: 4 });
    request.upload.onload();
    answer(200, RECOGNITION)(request);
  });
  const onStart = () => events.push("start");
  await ask({ onStart, onProgress: (fraction) => events.push(fraction), onSent: () => events.push("sent") });
  assert.deepEqual(events, ["start", 0.25, 1, "sent"]);
});

const LARGE = new Blob([new Uint8Array(4_500_001)], { type: "image/heic" });
const INVITATION = { upload: "uploads/k", url: "https://bucket.example/", fields: { key: "uploads/k", policy: "p" } };
const askLarge = (progress = {}) =>
  recognize(API, LARGE, { signal: new AbortController().signal, traffic: new Traffic(), ...progress });

test("the API gets the visitor's key, and S3 gets none", async (context) => {
  context.after(() => (access.key = null));
  access.key = "visage_dev_key";
  played(answer(201, INVITATION), answer(204, ""), answer(200, RECOGNITION));
  await askLarge();
  assert.deepEqual(Request.made.map(({ sent }) => sent.Authorization), ["Bearer visage_dev_key", undefined, "Bearer visage_dev_key"]);
});

test("a photo that is too large for a request goes to S3, and its key to the API", async () => {
  const events = [];
  played(answer(201, INVITATION), (request) => {
    request.upload.onprogress({ loaded: 1, total: 2 });
    answer(204, "")(request);
  }, (request) => {
    request.upload.onload();
    answer(200, RECOGNITION)(request);
  });
  const progress = { onStart: () => events.push("start"), onProgress: (part) => events.push(part), onSent: () => events.push("sent") };
  assert.deepEqual(await askLarge(progress), RECOGNITION);
  const [invite, upload, recognition] = Request.made;
  assert.deepEqual([invite.method, invite.url], ["POST", `${API}/uploads`]);
  assert.deepEqual([upload.method, upload.url], ["POST", INVITATION.url]);
  assert.deepEqual([...upload.body.keys()], ["key", "policy", "file"]);
  assert.equal(upload.body.get("file").size, LARGE.size);
  assert.deepEqual([recognition.url, await recognition.body.text()], [`${API}/recognize`, '{"upload":"uploads/k"}']);
  assert.equal(recognition.body.type, "application/json");
  assert.deepEqual(events, ["start", 0.5, "sent"]);
});

for (const status of [400, 403]) {
  test(`a photo that S3 refuses with ${status} can be sent again`, async () => {
    played(answer(201, INVITATION), answer(status, "<Error/>"));
    await assert.rejects(askLarge(), { name: "Failure", type: "unknown-upload", retryable: true });
  });
}

test("an upload that is gone can be sent again", async () => {
  played(answer(201, INVITATION), answer(204, ""), answer(404, { type: "urn:visage:problem:unknown-upload" }));
  await assert.rejects(askLarge(), { name: "Failure", type: "unknown-upload", retryable: true });
});

test("where there are no uploads, a large photo is too large", async () => {
  played(answer(404, { type: "urn:visage:problem:no-uploads" }));
  await assert.rejects(askLarge(), { name: "Failure", type: "no-uploads", message: /too large/, retryable: false });
});

for (const body of ["", "[]", '{"upload": "k", "url": 7, "fields": {}}', '{"upload": "k", "url": "u", "fields": "f"}']) {
  test(`an invitation of ${body || "nothing"} can't be read`, async () => {
    played(answer(201, body));
    await assert.rejects(askLarge(), { type: "unreadable-answer" });
  });
}

test("an upload without listeners needs no preflight", async () => {
  played(answer(200, RECOGNITION));
  await ask();
  assert.deepEqual(Request.made[0].upload, {});
});

for (const body of ["", "null", "[]", '{"faces": []}', "<html></html>", '{"faces": 7, "image": {"width": 4, "height": 3}}']) {
  test(`a success with ${body || "nothing"} is an answer that can't be read`, async () => {
    played(answer(200, body, { "x-request-id": "6f0c" }));
    await assert.rejects(ask(), { name: "Failure", type: "unreadable-answer", requestId: "6f0c" });
  });
}

test("a problem is a failure with the request's id", async () => {
  played(answer(422, { type: "urn:visage:problem:no-face" }, { "x-request-id": "6f0c" }));
  await assert.rejects(ask(), { name: "Failure", type: "no-face", requestId: "6f0c" });
  assert.equal(Request.made.length, 1);
});

test("API Gateway's own answer has an id too", async () => {
  played(answer(413, { message: "Request Entity Too Large" }, { "apigw-requestid": "gw1" }));
  await assert.rejects(ask(), { type: "http-413", requestId: "gw1" });
});

test("a busy server is asked again after the time that it names", async (context) => {
  context.mock.method(Math, "random", () => 0);
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const waits = [];
  played(answer(503, "", { "retry-after": "5" }), answer(429, ""), lose, answer(200, RECOGNITION));
  const onWait = (wait) => {
    waits.push(wait.ms);
    setImmediate(() => context.mock.timers.tick(wait.ms));
  };
  assert.deepEqual(await ask({ onWait }), RECOGNITION);
  assert.deepEqual(waits, [5000, 0, 0]);
});

for (const status of [429, 502, 503, 504]) {
  test(`a status of ${status} is temporary: the photo is sent again`, async (context) => {
    context.mock.method(Math, "random", () => 0);
    played(answer(status, ""), answer(200, RECOGNITION));
    assert.deepEqual(await ask(), RECOGNITION);
  });
}

test("a connection that breaks before any answer is tried four times", async (context) => {
  context.mock.method(Math, "random", () => 0);
  played(lose, lose, lose, lose);
  await assert.rejects(ask(), { type: "unreachable", retryable: true });
  assert.equal(Request.made.length, 4);
});

test("a connection that breaks in the middle of a response is a failure", async () => {
  played((request) => {
    request.begin();
    lose(request);
  });
  await assert.rejects(ask(), { type: "interrupted", retryable: true });
  assert.equal(Request.made.length, 1);
});

test("a connection that breaks while offline is reported as offline", async () => {
  played((request) => {
    online(false);
    lose(request);
  });
  await assert.rejects(ask(), { type: "offline" });
});

test("a request without an answer fails after 90 seconds", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  played(silence);
  const work = ask();
  await settled();
  context.mock.timers.tick(89_999);
  assert.equal(Request.made[0].aborted, false);
  context.mock.timers.tick(1);
  await assert.rejects(work, { type: "too-slow", retryable: true });
  assert.equal(Request.made[0].aborted, true);
});

test("an aborted request ends at once", async () => {
  const controller = new AbortController();
  played(() => controller.abort());
  await assert.rejects(recognize(API, PHOTO, { signal: controller.signal }), { name: "AbortError" });
  assert.equal(Request.made[0].aborted, true);
});

/** A photo that is uploaded, and not yet answered, when its request is aborted. */
async function abandoned(traffic, reason) {
  const controller = new AbortController();
  played((request) => request.upload.onload());
  const work = recognize(API, PHOTO, { signal: controller.signal, traffic, onSent: () => {} });
  await settled();
  controller.abort(reason);
  await assert.rejects(work);
  return Request.made[0];
}

test("a request that the service already works on keeps its place until it is answered, or for 30 seconds", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  for (const end of [answer(200, RECOGNITION), lose, () => context.mock.timers.tick(30_000)]) {
    Request.made = [];
    const traffic = new Traffic();
    const request = await abandoned(traffic);
    await traffic.start(new AbortController().signal);
    let started = false;
    traffic.start(new AbortController().signal).then(() => (started = true));
    await settled();
    assert.equal(started, false);
    end(request);
    await settled();
    assert.equal(started, true);
  }
});

test("six photos, each chosen before the one before is answered, make two requests", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const traffic = new Traffic();
  const first = await abandoned(traffic, new Replaced());
  for (const number of [2, 3, 4, 5]) {
    const controller = new AbortController();
    const work = recognize(API, PHOTO, { signal: controller.signal, traffic });
    await settled();
    controller.abort(new Replaced());
    await assert.rejects(work, Replaced, `photo ${number}`);
  }
  const last = ask({ traffic });
  await settled();
  assert.deepEqual([Request.made.length, first.aborted], [1, false]);
  played(answer(200, RECOGNITION));
  answer(200, RECOGNITION)(first);
  context.mock.timers.tick(500);
  assert.deepEqual(await last, RECOGNITION);
  assert.equal(Request.made.length, 2);
});

test("the people come from /labels", async () => {
  played(answer(200, LABELS));
  assert.deepEqual(await labels(API, new AbortController().signal), LABELS);
  assert.deepEqual([Request.made[0].method, Request.made[0].url], ["GET", "https://api.example/labels"]);
});

for (const body of ["", "[]", "{}", '{"people": []}']) {
  test(`people of ${body || "nothing"} can't be read`, async () => {
    played(answer(200, body));
    await assert.rejects(labels(API, new AbortController().signal), { type: "unreadable-answer" });
  });
}

test("an aligned face is a picture", async () => {
  played(answer(200, "jpeg", { "content-type": "image/jpeg" }));
  const face = await alignedFace(API, PHOTO, 2, new AbortController().signal);
  assert.deepEqual([face.type, await face.text()], ["image/jpeg", "jpeg"]);
  assert.equal(Request.made[0].url, "https://api.example/align?face=2");
});

test("an aligned face that is no picture can't be read", async () => {
  played(answer(200, RECOGNITION));
  await assert.rejects(alignedFace(API, PHOTO, 1, new AbortController().signal), { type: "unreadable-answer" });
});

test("a frame of the camera is asked about once, whatever comes back", async () => {
  const { signal } = new AbortController();
  played(answer(200, RECOGNITION));
  assert.deepEqual(await recognizeFrame(API, PHOTO, signal), RECOGNITION);
  assert.equal(Request.made[0].url, `${API}/recognize`);
  for (const play of [lose, answer(429, {}, { "retry-after": "3" }), answer(500, {})]) {
    Request.made = [];
    played(play);
    await assert.rejects(recognizeFrame(API, PHOTO, signal), { name: "Failure", retryable: true });
    assert.equal(Request.made.length, 1);
  }
});
