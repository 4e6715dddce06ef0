// One photo to the recognition API, one Recognition or one Failure back.
import { fromResponse, tooSlow, unreachable, unreadableAnswer } from "./failure.js";

/**
 * @typedef {object} Face
 * @property {import("./boxes.js").Box} box  pixels of the upright photo
 * @property {string | null} label  null when it is nobody the model knows
 * @property {number} probability
 * @property {boolean} known
 */

/**
 * @typedef {object} Recognition
 * @property {Face[]} faces
 * @property {import("./boxes.js").Size} image
 * @property {{version: string}} [model]
 * @property {{total: number}} [timing_ms]
 */

/** API Gateway gives up after 30 s; the rest is for 4.5 MB over a slow phone. */
const TIMEOUT_MS = 90_000;

/**
 * @param {string} api  address of the API
 * @param {Blob} photo
 * @param {AbortSignal} signal  aborted when nobody waits for this answer any more
 * @returns {Promise<Recognition>}
 * @throws {import("./failure.js").Failure}
 */
export async function recognize(api, photo, signal) {
  const { response, text } = await post(`${api}/recognize`, form(photo), signal);
  const body = parse(text);
  if (!response.ok) throw fromResponse(response.status, body);
  if (!isRecognition(body)) throw unreadableAnswer();
  return body;
}

/** The file's own name stays here: nobody needs it. */
function form(photo) {
  const form = new FormData();
  form.append("image", photo, "photo");
  return form;
}

async function post(url, body, signal) {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), TIMEOUT_MS);
  try {
    const response = await fetch(url, { method: "POST", body, signal: AbortSignal.any([signal, deadline.signal]) });
    return { response, text: await response.text() };
  } catch {
    throw deadline.signal.aborted ? tooSlow() : unreachable();
  } finally {
    clearTimeout(timer);
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isRecognition(body) {
  return Array.isArray(body?.faces) && body.image?.width > 0 && body.image?.height > 0;
}
