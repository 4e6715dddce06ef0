// What the recognition API is asked, and its answers or one Failure.
import { fromResponse, interrupted, offline, tooSlow, unreachable, unreadableAnswer } from "./failure.js";
import { persist, retryAfterMs } from "./retry.js";

/**
 * @typedef {object} Prediction
 * @property {string} label
 * @property {number} probability
 * @property {boolean} enrolled
 */

/**
 * @typedef {object} Face
 * @property {import("./boxes.js").Box} box  pixels of the upright photo
 * @property {string | null} label  null when it is nobody the model knows
 * @property {number} probability
 * @property {number} similarity
 * @property {boolean} known
 * @property {boolean} enrolled
 * @property {Prediction[]} predictions  the five likeliest people, the likeliest first
 */

/**
 * @typedef {object} Recognition
 * @property {Face[]} faces
 * @property {import("./boxes.js").Size} image
 * @property {{version: string}} [model]
 * @property {Record<string, number>} [timing_ms]
 */

/**
 * @typedef {object} Labels
 * @property {string[]} labels
 * @property {{label: string, enrolled: boolean}[]} people
 * @property {number} threshold
 * @property {{held_out: HeldOut | null, false_accept_rate: number | null}} measured
 * @property {{version: string}} model
 */

/** @typedef {{faces: number, name_right: number, recognised: number, expected_calibration_error: number}} HeldOut */

/**
 * @typedef {object} Progress
 * @property {AbortSignal} signal  aborted when nobody waits for this answer any more
 * @property {(fraction: number) => void} [onProgress]  how much of the photo has been sent
 * @property {() => void} [onSent]  the photo is there, and the server works
 * @property {(wait: import("./retry.js").Wait) => void} [onWait]  before each wait for another attempt
 */

/** API Gateway gives up after 30 s; the rest is for 4.5 MB over a slow phone. */
const TIMEOUT_MS = 90_000;

/** For what is not waited for any less when somebody goes on. */
const NEVER = new AbortController().signal;

/**
 * @param {string} api  address of the API
 * @param {Blob} photo
 * @param {Progress} progress
 * @returns {Promise<Recognition>}
 * @throws {import("./failure.js").Failure}
 */
export async function recognize(api, photo, { signal, onProgress, onSent, onWait }) {
  const request = { method: "POST", url: `${api}/recognize`, body: form(photo), onProgress, onSent };
  return json(await ask(request, { signal, onWait }), isRecognition);
}

/**
 * @param {string} api
 * @param {AbortSignal} [signal]
 * @returns {Promise<Labels>} the people it knows, and how well
 * @throws {import("./failure.js").Failure}
 */
export async function labels(api, signal = NEVER) {
  return json(await ask({ method: "GET", url: `${api}/labels` }, { signal }), isLabels);
}

/**
 * @param {string} api
 * @param {Blob} photo
 * @param {number} number  which face, as in the Recognition, from 1
 * @param {AbortSignal} [signal]
 * @returns {Promise<Blob>} a JPEG of the face as the network saw it
 * @throws {import("./failure.js").Failure}
 */
export async function alignedFace(api, photo, number, signal = NEVER) {
  const request = { method: "POST", url: `${api}/align?face=${number}`, body: form(photo) };
  const { body, requestId } = await ask(request, { signal });
  if (body.type !== "image/jpeg") throw unreadableAnswer(requestId);
  return body;
}

/** The file's own name stays here: nobody needs it. */
function form(photo) {
  const form = new FormData();
  form.append("image", photo, "photo");
  return form;
}

/** @returns {Promise<{body: Blob, requestId: string}>} a success */
function ask(request, { signal, onWait }) {
  return persist(async () => success(await exchange(request, signal)), { signal, onWait });
}

async function success({ status, headers, body }) {
  const requestId = headers.get("x-request-id") ?? headers.get("apigw-requestid") ?? "";
  if (status >= 200 && status < 300) return { body, requestId };
  throw fromResponse({
    status,
    body: await parse(body),
    requestId,
    retryAfterMs: retryAfterMs(headers.get("retry-after"), Date.now()),
  });
}

async function json({ body, requestId }, isExpected) {
  const parsed = await parse(body);
  if (!isExpected(parsed)) throw unreadableAnswer(requestId);
  return parsed;
}

async function parse(body) {
  try {
    return JSON.parse(await body.text());
  } catch {
    return null;
  }
}

function isRecognition(body) {
  return Array.isArray(body?.faces) && body.image?.width > 0 && body.image?.height > 0;
}

function isLabels(body) {
  return Array.isArray(body?.people) && Boolean(body.measured) && Boolean(body.model);
}

/**
 * One attempt, by XMLHttpRequest because fetch tells nothing of how an upload gets on.
 * @returns {Promise<{status: number, headers: Headers, body: Blob}>}
 */
function exchange({ method, url, body, onProgress, onSent }, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const end = (settle, value) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", cancel);
      settle(value);
    };
    const giveUp = (reason) => {
      request.abort();
      end(reject, reason);
    };
    const cancel = () => giveUp(signal.reason);
    const timer = setTimeout(() => giveUp(tooSlow()), TIMEOUT_MS);
    signal.addEventListener("abort", cancel);
    let answering = false;
    request.onreadystatechange = () => (answering ||= request.readyState === XMLHttpRequest.HEADERS_RECEIVED);
    request.onerror = () => end(reject, lost(answering));
    request.onload = () => end(resolve, answerOf(request));
    request.open(method, url);
    request.responseType = "arraybuffer"; // for "blob", Chromium doesn't tell when an answer begins
    watchUpload(request.upload, onProgress, onSent);
    request.send(body);
  });
}

/** Only when somebody wants to know: across origins, a watched upload needs a preflight. */
function watchUpload(upload, onProgress, onSent) {
  if (onProgress) upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
  if (onSent) upload.onload = () => onSent();
}

function lost(answering) {
  if (!navigator.onLine) return offline();
  return answering ? interrupted() : unreachable();
}

function answerOf(request) {
  const headers = headersOf(request);
  const body = new Blob([request.response], { type: headers.get("content-type") ?? "" });
  return { status: request.status, headers, body };
}

/** All at once: to ask for one that CORS withholds is an error in the browser's console. */
function headersOf(request) {
  const lines = request.getAllResponseHeaders().trim().split("\r\n");
  return new Headers(lines.filter(Boolean).map((line) => line.split(/:\s*(.*)/s, 2)));
}
