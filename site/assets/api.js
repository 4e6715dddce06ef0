// Requests to the recognition API. Each returns the answer or throws a Failure.
import { fromResponse, interrupted, offline, tooSlow, unreachable, unreadableAnswer } from "./failure.js";
import { retryAfterMs, withRetries } from "./retry.js";
import { MAX_PHOTO_BYTES } from "./shrink.js";
import { traffic as pageTraffic } from "./traffic.js";

/**
 * @typedef {object} Progress
 * @property {AbortSignal} signal  aborts the request
 * @property {() => void} [onStart]  the request begins: other requests may run before it
 * @property {(fraction: number) => void} [onProgress]  how much of the photo has been sent, 0 to 1
 * @property {() => void} [onSent]  the whole photo has been sent
 * @property {(wait: import("./retry.js").Wait) => void} [onWait]  before each wait for another attempt
 * @property {import("./traffic.js").Traffic} [traffic]
 */

/** API Gateway stops after 30 s; the other 60 s are for an upload of 4.5 MB over a slow connection. */
const TIMEOUT_MS = 90_000;

/** How long the service works on a request whose answer nobody waits for: API Gateway stops then. */
const ABANDONED_MS = 30_000;

/** The key that the visitor has entered in this tab, where the API asks for one; key.js does that. */
export const access = { key: keptKey() };

/** For requests that nobody aborts. */
const NEVER_ABORTED = new AbortController().signal;

/**
 * @param {string} api  address of the API
 * @param {Blob} photo
 * @param {Progress} progress
 * @returns {Promise<import("./types.js").Recognition>}
 * @throws {import("./failure.js").Failure}
 */
export async function recognize(api, photo, progress) {
  return json(await sendPhoto(api, "/recognize", photo, progress), isRecognition);
}

/**
 * Asks once: nobody wants a late answer about a frame of the running camera.
 * @param {string} api
 * @param {Blob} frame
 * @param {AbortSignal} signal
 * @returns {Promise<import("./types.js").Recognition>}
 * @throws {import("./failure.js").Failure}
 */
export async function recognizeFrame(api, frame, signal) {
  const request = { method: "POST", url: `${api}/recognize`, body: form(frame) };
  const slot = await pageTraffic.start(signal);
  return json(await onlySuccess(await sendOnce(request, signal, slot)), isRecognition);
}

/**
 * @param {string} api
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").Labels>} the people that the model knows, and how well it recognises them
 * @throws {import("./failure.js").Failure}
 */
export async function labels(api, signal = NEVER_ABORTED) {
  return json(await send({ method: "GET", url: `${api}/labels` }, { signal }), isLabels);
}

/**
 * @param {string} api
 * @param {Blob} photo
 * @param {number} number  of the face in the Recognition, from 1
 * @param {AbortSignal} [signal]
 * @returns {Promise<Blob>} a JPEG of the face as the network saw it
 * @throws {import("./failure.js").Failure}
 */
export async function alignedFace(api, photo, number, signal = NEVER_ABORTED) {
  const { body, requestId } = await sendPhoto(api, `/align?face=${number}`, photo, { signal });
  if (body.type !== "image/jpeg") throw unreadableAnswer(requestId);
  return body;
}

/** @returns {ReturnType<typeof send>} */
export async function sendPhoto(api, path, photo, { signal, onStart, onProgress, onSent, onWait, traffic }) {
  const request = { method: "POST", url: `${api}${path}`, onSent };
  const options = { signal, onWait, traffic };
  if (photo.size <= MAX_PHOTO_BYTES) return send({ ...request, body: form(photo), onStart, onProgress }, options);
  const { deliver } = await import("./uploads.js");
  const body = await deliver(api, photo, (step) => send(step, options), { onStart, onProgress });
  return send({ ...request, body }, options);
}

/** The API doesn't need the name of the file, so it is not sent. */
function form(photo) {
  const data = new FormData();
  data.append("image", photo, "photo");
  return data;
}

/** @returns the successful response */
export function send(request, { signal, onWait, traffic = pageTraffic }) {
  const attempt = async () => {
    const slot = await traffic.start(signal);
    return onlySuccess(await sendOnce(request, signal, slot));
  };
  return withRetries(attempt, { signal, onWait, traffic });
}

async function onlySuccess({ status, headers, body }) {
  const requestId = headers.get("x-request-id") ?? headers.get("apigw-requestid") ?? "";
  if (status >= 200 && status < 300) return { body, headers, requestId };
  throw fromResponse({
    status,
    body: await parse(body),
    requestId,
    retryAfterMs: retryAfterMs(headers.get("retry-after"), Date.now()),
  });
}

export async function json({ body, requestId }, isExpected) {
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
 * Uses XMLHttpRequest because fetch doesn't report the progress of an upload.
 *
 * An abort during the upload ends the request. After it, the service goes on until it has an answer, whatever this page
 * does, so the request keeps its slot until then.
 * @returns {Promise<{status: number, headers: Headers, body: Blob}>}
 */
function sendOnce({ method, url, body, headers = {}, withoutKey, onStart, onProgress, onSent, timeoutMs = TIMEOUT_MS }, signal, slot) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let isSent = false;
    const finish = (settle, value) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", cancel);
      slot.end(value);
      settle(value);
    };
    const giveUp = (reason) => {
      request.abort();
      finish(reject, reason);
    };
    const cancel = () => {
      if (!isSent) return giveUp(signal.reason);
      clearTimeout(timer);
      timer = setTimeout(giveUp, ABANDONED_MS);
      slot.abandon(signal.reason);
      reject(signal.reason);
    };
    let timer = setTimeout(() => giveUp(tooSlow()), timeoutMs);
    signal.addEventListener("abort", cancel);
    let responding = false;
    request.onreadystatechange = () => (responding ||= request.readyState === XMLHttpRequest.HEADERS_RECEIVED);
    request.onerror = () => finish(reject, connectionFailure(responding));
    request.onload = () => finish(resolve, responseOf(request));
    request.open(method, url);
    if (access.key && !withoutKey) request.setRequestHeader("Authorization", `Bearer ${access.key}`);
    for (const name in headers) request.setRequestHeader(name, headers[name]);
    request.responseType = "arraybuffer"; // with "blob", Chromium doesn't report when a response begins
    watchUpload(request.upload, onProgress, onSent && (() => {
      isSent = true;
      onSent();
    }));
    onStart?.();
    request.send(body);
  });
}

/** Adds only the listeners that are wanted: a cross-origin upload with a listener needs a preflight. */
function watchUpload(upload, onProgress, onSent) {
  if (onProgress) upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
  if (onSent) upload.onload = () => onSent();
}

function connectionFailure(responding) {
  if (!navigator.onLine) return offline();
  return responding ? interrupted() : unreachable();
}

function responseOf(request) {
  const headers = headersOf(request);
  const body = new Blob([request.response], { type: headers.get("content-type") ?? "" });
  return { status: request.status, headers, body };
}

function keptKey() {
  try {
    return sessionStorage.getItem("key");
  } catch {
    return null; // the browser blocks storage
  }
}

/** Reads all headers at once: reading one that CORS hides writes an error to the browser's console. */
function headersOf(request) {
  const lines = request.getAllResponseHeaders().trim().split("\r\n");
  return new Headers(lines.filter(Boolean).map((line) => line.split(/:\s*(.*)/s, 2)));
}
