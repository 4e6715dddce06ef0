// Sends a photo that is too large for a request to S3. The API takes it there by a key.
import { lostUpload, unreadableAnswer } from "./failure.js";

/** S3 accepts the photo for so long. */
const TIMEOUT_MS = 300_000;

/**
 * @param {string} api
 * @param {Blob} photo
 * @param {(request: object) => Promise<{body: Blob, requestId: string}>} send
 * @param {import("./api.js").Progress} progress
 * @returns {Promise<Blob>} what to send to the API in place of the photo
 * @throws {import("./failure.js").Failure}
 */
export async function deliver(api, photo, send, { onStart, onProgress } = {}) {
  const invitation = await send({ method: "POST", url: `${api}/uploads`, onStart });
  const { upload, url, fields } = await read(invitation);
  await send({ method: "POST", url, body: form(fields, photo), onProgress, timeoutMs: TIMEOUT_MS, withoutKey: true }).catch(refused);
  return new Blob([JSON.stringify({ upload })], { type: "application/json" });
}

async function read({ body, requestId }) {
  const invitation = await body.text().then(JSON.parse).catch(() => null);
  const isWhole = [invitation?.upload, invitation?.url].every((text) => typeof text === "string");
  if (!isWhole || typeof invitation.fields !== "object") throw unreadableAnswer(requestId);
  return invitation;
}

function refused(failure) {
  throw ["http-400", "http-403"].includes(failure.type) ? lostUpload() : failure;
}

/** S3 ignores what comes after the photo. */
function form(fields, photo) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields ?? {})) data.append(name, value);
  data.append("file", photo, "photo");
  return data;
}
