// All failures that a visitor can see. Each says what happened and what to do next.
import { language, words } from "./words.js";

/**
 * An expected failure. The page shows its message: the summary and the advice.
 *
 * `type` is the API's name of the problem ("no-face"), or "http-429" if the response has none, or a name that only this
 * page uses. If `waitMs` is set, the page tries again by itself, after at least that time. `needsKey`: another key may help. `body`: the API's answer.
 */
export class Failure extends Error {
  /**
   * @param {string} summary  what happened
   * @param {{advice?: string, type?: string, retryable?: boolean, needsKey?: boolean, requestId?: string, waitMs?: number, body?: any}} [about]
   */
  constructor(summary, { advice = "", type = "", retryable = false, needsKey = false, requestId = "", waitMs, body } = {}) {
    super(`${summary} ${advice}`.trim());
    this.name = "Failure";
    Object.assign(this, { summary, type, retryable, needsKey, requestId, waitMs, body });
  }
}

/** The API's problems whose words have another name. */
const ALIASES = new Map([
  ...["malformed-upload", "image-missing", "several-images", "unsupported-content-type", "method-not-allowed"].map((name) => [name, "bad-request"]),
  ...["key-unknown", "key-revoked", "key-over", "key-of-another-stage", "key-scope"].map((name) => [name, "key-refused"]),
  ["too-many-requests", "too-many"],
  ["keys-unavailable", "model-unavailable"],
  ["no-uploads", "too-large"],
  ["unknown-upload", "interrupted"],
  ["uploads-unavailable", "model-unavailable"],
]);

/** Problems whose summary is replaced by the API's own sentence, which says more. It is in English. */
const DETAILED = ["unsupported-format", "unreadable-photo"];

/** The words for responses of API Gateway and CloudFront, which carry no name of a problem, by status. */
const STATUSES = new Map([
  [401, "key-missing"],
  [403, "refused"],
  [404, "not-found"],
  [413, "too-large"],
  [429, "too-many"],
  [500, "internal-error"],
  [502, "photo-failed"],
  [503, "starting"],
  [504, "no-answer"],
]);

/** Statuses of temporary failures. */
const TEMPORARY = [429, 502, 503, 504];

/** The upload is gone: it was used, and the answer got lost. */
const UNKNOWN_UPLOAD = "unknown-upload";

const URN = "urn:visage:problem:";

/**
 * @param {object} answer  a response that is not a success
 * @param {number} answer.status
 * @param {any} answer.body  its parsed JSON; null if it is not JSON
 * @param {string} [answer.requestId]  from the header; used if the body has none
 * @param {number} [answer.retryAfterMs]  how long the server asks clients to wait
 * @returns {Failure}
 */
export function fromResponse({ status, body, requestId = "", retryAfterMs = 0 }) {
  const name = nameOf(body);
  const [summary, advice] = sentencesFor(name, status, language === "en" ? text(body?.detail) : "");
  return new Failure(summary, {
    advice,
    type: name || `http-${status}`,
    needsKey: status === 401 || name === "key-scope",
    retryable: [401, 429].includes(status) || status >= 500 || name === UNKNOWN_UPLOAD,
    requestId: text(body?.request_id) || requestId,
    waitMs: TEMPORARY.includes(status) ? retryAfterMs : undefined,
    body,
  });
}

function sentencesFor(name, status, detail) {
  const sentences = sentencesOf(ALIASES.get(name) ?? name);
  if (sentences) return detail && DETAILED.includes(name) ? [detail, sentences[1]] : sentences;
  return detail ? [detail] : (sentencesOf(STATUSES.get(status)) ?? words.unknownFailure(status));
}

/** The name may come from the API, so only the words' own names count. */
const sentencesOf = (name) => (Object.hasOwn(words.failures, name) ? words.failures[name] : undefined);

function nameOf(body) {
  const type = text(body?.type);
  return type.startsWith(URN) ? type.slice(URN.length) : "";
}

const text = (value) => (typeof value === "string" ? value.trim() : "");

/** A failure that this page notices by itself. */
function ownFailure(type, about = {}, [summary, advice] = words.failures[type]) {
  return new Failure(summary, { advice, type, ...about });
}

export const offline = () => ownFailure("offline", { retryable: true });

/** The connection failed before a response began. */
export const unreachable = () => ownFailure("unreachable", { retryable: true, waitMs: 0 });

/** The connection failed in the middle of a response. */
export const interrupted = () => ownFailure("interrupted", { retryable: true });

export const tooSlow = () => ownFailure("too-slow", { retryable: true });

export const unreadableAnswer = (requestId = "") => ownFailure("unreadable-answer", { retryable: true, requestId });

/** S3 refuses the photo: its invitation has ended. */
export const lostUpload = () => ownFailure(UNKNOWN_UPLOAD, { retryable: true }, words.failures.interrupted);

export const unreadableFile = () => ownFailure("unreadable-file");

/** @param {import("./kind.js").Kind[]} kinds  of one or several files, none of which is a photo  @returns {Failure} */
export function noPhoto(kinds) {
  if (kinds.length > 1) return ownFailure("no-photo", {}, words.failures.several);
  return kinds[0] === "unreadable" ? unreadableFile() : ownFailure("no-photo", {}, words.failures[kinds[0]]);
}

export const pageError = () => ownFailure("broken");

export const configBroken = () => ownFailure("config-broken", { retryable: true });

/** @param {number} bytes  @param {number} maxBytes  @returns {Failure} */
export const tooLarge = (bytes, maxBytes) => ownFailure("too-large", {}, words.tooLarge(bytes, maxBytes));
