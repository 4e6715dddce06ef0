// Every way an answer can fail to come, each as what happened and what to do next.

/**
 * An expected failure; its message is what to show.
 *
 * `type` is the API's name of the problem ("no-face"), "http-429" for an answer that names none, or a name of this
 * page's own. `what` is the message without its advice. `waitMs` is there when trying again unasked may help: how long
 * to wait for that at least.
 */
export class Failure extends Error {
  /**
   * @param {string} what
   * @param {{next?: string, type?: string, retryable?: boolean, requestId?: string, waitMs?: number}} [about]
   */
  constructor(what, { next = "", type = "", retryable = false, requestId = "", waitMs } = {}) {
    super(`${what} ${next}`.trim());
    this.name = "Failure";
    Object.assign(this, { what, type, retryable, requestId, waitMs });
  }
}

const SOON = "Try again in a moment.";
const MISUNDERSTOOD = { what: "The server didn’t understand this page.", next: "Reload it and try again." };

/** The API's problems by name; `detailed` where its own words say more than ours. */
const PROBLEMS = new Map([
  ["malformed-upload", MISUNDERSTOOD],
  ["image-missing", MISUNDERSTOOD],
  ["several-images", MISUNDERSTOOD],
  ["unsupported-content-type", MISUNDERSTOOD],
  ["method-not-allowed", MISUNDERSTOOD],
  ["bad-request", MISUNDERSTOOD],
  ["model-unavailable", { what: "Recognition isn’t ready.", next: SOON }],
  ["too-large", { what: "This photo is too large.", next: "Choose a smaller one, or save it as a JPEG first." }],
  [
    "unsupported-format",
    { what: "This is not a photo that can be read.", next: "Save it as a JPEG and choose that.", detailed: true },
  ],
  [
    "unreadable-photo",
    { what: "This photo is damaged or incomplete.", next: "Choose its original, or another photo.", detailed: true },
  ],
  [
    "no-face",
    {
      what: "No face was found in the photo.",
      next: "Try one where a face is larger, sharper or turned to the camera.",
    },
  ],
  ["unknown-face", { what: "The server doesn’t find this face any more.", next: "Send the photo again." }],
  [
    "not-found",
    { what: "There is no recognition at the address this website was given.", next: "Its owner has to correct it." },
  ],
  [
    "internal-error",
    { what: "Something broke on the server.", next: "Try again; if it keeps happening, tell its owner the reference." },
  ],
]);

/** What the statuses mean when they come from API Gateway or CloudFront, which know nothing of problem documents. */
const STATUSES = new Map([
  [403, { what: "The server refused this website.", next: "Its owner has to allow it." }],
  [404, PROBLEMS.get("not-found")],
  [413, { what: "This photo is too large to send.", next: "Try a smaller one." }],
  [429, { what: "Too many photos are being sent right now.", next: "Wait a moment and try again." }],
  [500, { what: "Something broke on the server.", next: SOON }],
  [502, { what: "The server stumbled over this photo.", next: SOON }],
  [503, { what: "Recognition is busy or starting up.", next: SOON }],
  [504, { what: "Recognition took too long to answer.", next: SOON }],
]);

/** Statuses that pass by themselves. */
const PASSING = [429, 503];

const URN = "urn:visage:problem:";

/**
 * @param {object} answer  one that is not a success
 * @param {number} answer.status
 * @param {any} answer.body  its parsed JSON, null where it was none
 * @param {string} [answer.requestId]  from its header; the body's comes first
 * @param {number} [answer.retryAfterMs]  how long the server asked to wait
 * @returns {Failure}
 */
export function fromResponse({ status, body, requestId = "", retryAfterMs = 0 }) {
  const name = nameOf(body);
  const { what, next } = adviceOn(name, status, text(body?.detail));
  return new Failure(what, {
    next,
    type: name || `http-${status}`,
    retryable: status === 429 || status >= 500,
    requestId: text(body?.request_id) || requestId,
    waitMs: PASSING.includes(status) ? retryAfterMs : undefined,
  });
}

function adviceOn(name, status, detail) {
  const problem = PROBLEMS.get(name);
  if (problem) return detail && problem.detailed ? { ...problem, what: detail } : problem;
  if (detail) return { what: detail };
  return STATUSES.get(status) ?? { what: `The server answered with an error (${status}).`, next: "Try again later." };
}

function nameOf(body) {
  const type = text(body?.type);
  return type.startsWith(URN) ? type.slice(URN.length) : "";
}

const text = (value) => (typeof value === "string" ? value.trim() : "");

export const offline = () =>
  new Failure("You are offline.", { next: "Connect to a network and try again.", type: "offline", retryable: true });

/** No answer, and none begun. */
export const unreachable = () =>
  new Failure("Recognition can’t be reached.", {
    next: "Check your connection and try again.",
    type: "unreachable",
    retryable: true,
    waitMs: 0,
  });

/** The connection broke in the middle of the answer. */
export const interrupted = () =>
  new Failure("The connection broke off.", { next: "Try again.", type: "interrupted", retryable: true });

export const tooSlow = () =>
  new Failure("No answer came in time.", {
    next: "Try again, or send a smaller photo.",
    type: "too-slow",
    retryable: true,
  });

export const unreadableAnswer = (requestId = "") =>
  new Failure("The server’s answer made no sense to this page.", {
    next: SOON,
    type: "unreadable-answer",
    retryable: true,
    requestId,
  });

export const unreadableFile = () =>
  new Failure("This file can’t be read.", { next: "Choose the photo again, or another one.", type: "unreadable-file" });

export const nothingDropped = () =>
  new Failure("There was no photo in that.", { next: "Save it first, then choose the file.", type: "nothing-dropped" });

export const broken = () =>
  new Failure("Something broke in this page.", { next: "Reload it and try again.", type: "broken" });

export const configBroken = () =>
  new Failure("This website doesn’t know where its API is: its config.json is missing or broken.", {
    next: "Try again; if that doesn’t help, its owner has to deploy it again.",
    type: "config-broken",
    retryable: true,
  });

/** @param {number} bytes  @param {number} maxBytes  @returns {Failure} */
export const tooLarge = (bytes, maxBytes) =>
  new Failure(`This photo has ${megabytes(bytes)}, and this browser can’t make it smaller.`, {
    next: `Up to ${megabytes(maxBytes)} can be sent: save it as a JPEG and choose that.`,
    type: "too-large",
  });

/** @param {number} bytes */
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
