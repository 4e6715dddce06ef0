// All failures that a visitor can see. Each says what happened and what to do next.

/**
 * An expected failure. The page shows its message: the summary and the advice.
 *
 * `type` is the API's name of the problem ("no-face"), or "http-429" if the response has none, or a name that only this
 * page uses. If `waitMs` is set, the page tries again by itself, after at least that time.
 */
export class Failure extends Error {
  /**
   * @param {string} summary  what happened
   * @param {{advice?: string, type?: string, retryable?: boolean, requestId?: string, waitMs?: number}} [about]
   */
  constructor(summary, { advice = "", type = "", retryable = false, requestId = "", waitMs } = {}) {
    super(`${summary} ${advice}`.trim());
    this.name = "Failure";
    Object.assign(this, { summary, type, retryable, requestId, waitMs });
  }
}

const TRY_SOON = "Try again in a moment.";
const BAD_REQUEST = { summary: "The server does not understand this page.", advice: "Reload the page and try again." };

/** The API's problems by name. If one is `detailed`, the API's own sentence replaces the summary. */
const PROBLEMS = new Map([
  ["malformed-upload", BAD_REQUEST],
  ["image-missing", BAD_REQUEST],
  ["several-images", BAD_REQUEST],
  ["unsupported-content-type", BAD_REQUEST],
  ["method-not-allowed", BAD_REQUEST],
  ["bad-request", BAD_REQUEST],
  ["model-unavailable", { summary: "Recognition isn’t ready.", advice: TRY_SOON }],
  ["too-large", { summary: "This photo is too large.", advice: "Choose a smaller photo, or save it as a JPEG." }],
  [
    "unsupported-format",
    {
      summary: "The server can’t read this file as a photo.",
      advice: "Save the photo as a JPEG and choose that file.",
      detailed: true,
    },
  ],
  [
    "unreadable-photo",
    {
      summary: "This photo is damaged or incomplete.",
      advice: "Choose the original file, or another photo.",
      detailed: true,
    },
  ],
  [
    "no-face",
    {
      summary: "No face was found in the photo.",
      advice: "Choose a photo where the face is larger, sharper or turned to the camera.",
    },
  ],
  ["unknown-face", { summary: "The server can’t find this face again.", advice: "Send the photo again." }],
  [
    "not-found",
    {
      summary: "This website has a wrong address for the recognition service.",
      advice: "The owner of this website has to correct it.",
    },
  ],
  [
    "internal-error",
    {
      summary: "There was an error on the server.",
      advice: "Try again. If it happens again, give the reference to the owner of this website.",
    },
  ],
]);

/** Responses of API Gateway and CloudFront by status: they carry no name of a problem. */
const STATUSES = new Map([
  [403, { summary: "The server refused this website.", advice: "The owner of the server has to allow it." }],
  [404, PROBLEMS.get("not-found")],
  [413, { summary: "This photo is too large to send.", advice: "Choose a smaller photo." }],
  [429, { summary: "Too many photos are being sent right now.", advice: "Wait a moment and try again." }],
  [500, { summary: "There was an error on the server.", advice: TRY_SOON }],
  [502, { summary: "The server had a problem with this photo.", advice: TRY_SOON }],
  [503, { summary: "Recognition is busy or starting up.", advice: TRY_SOON }],
  [504, { summary: "Recognition took too long to answer.", advice: TRY_SOON }],
]);

/** Statuses of temporary failures. */
const TEMPORARY = [429, 503];

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
  const { summary, advice } = sentencesFor(name, status, text(body?.detail));
  return new Failure(summary, {
    advice,
    type: name || `http-${status}`,
    retryable: status === 429 || status >= 500,
    requestId: text(body?.request_id) || requestId,
    waitMs: TEMPORARY.includes(status) ? retryAfterMs : undefined,
  });
}

function sentencesFor(name, status, detail) {
  const problem = PROBLEMS.get(name);
  if (problem) return detail && problem.detailed ? { ...problem, summary: detail } : problem;
  if (detail) return { summary: detail };
  const unknown = { summary: `The server answered with an error (${status}).`, advice: "Try again later." };
  return STATUSES.get(status) ?? unknown;
}

function nameOf(body) {
  const type = text(body?.type);
  return type.startsWith(URN) ? type.slice(URN.length) : "";
}

const text = (value) => (typeof value === "string" ? value.trim() : "");

export const offline = () =>
  new Failure("You are offline.", { advice: "Connect to a network and try again.", type: "offline", retryable: true });

/** The connection failed before a response began. */
export const unreachable = () =>
  new Failure("The recognition service can’t be reached.", {
    advice: "Check your connection and try again.",
    type: "unreachable",
    retryable: true,
    waitMs: 0,
  });

/** The connection failed in the middle of a response. */
export const interrupted = () =>
  new Failure("The connection was lost.", { advice: "Try again.", type: "interrupted", retryable: true });

export const tooSlow = () =>
  new Failure("No answer came in time.", {
    advice: "Try again, or send a smaller photo.",
    type: "too-slow",
    retryable: true,
  });

export const unreadableAnswer = (requestId = "") =>
  new Failure("This page does not understand the server.", {
    advice: TRY_SOON,
    type: "unreadable-answer",
    retryable: true,
    requestId,
  });

const CHOOSE_AGAIN = "Choose the photo again, or choose another photo.";

export const unreadableFile = () =>
  new Failure("This file can’t be read.", { advice: CHOOSE_AGAIN, type: "unreadable-file" });

/** Files that are no photos, by kind: what happened, and what to do. */
const NO_PHOTO = new Map([
  ["pdf", ["This file is a PDF, not a photo.", "Take a screenshot of the photo in it, and choose that."]],
  ["video", ["This file is a video, not a photo.", "Pause it where the face is clear, take a screenshot, and choose that."]],
  ["folder", ["This is a folder, not a photo.", "Open it, and choose the photos in it."]],
  ["empty", ["This file is empty.", CHOOSE_AGAIN]],
  ["other", ["This file is not a photo that can be opened.", "Choose a photo, for instance a JPEG, PNG or HEIC."]],
]);

/** @param {import("./kind.js").Kind[]} kinds  of one or several files, none of which is a photo  @returns {Failure} */
export function noPhoto(kinds) {
  const several = ["None of these files is a photo.", "Choose a photo, for instance a JPEG, PNG or HEIC."];
  const [summary, advice] = kinds.length > 1 ? several : (NO_PHOTO.get(kinds[0]) ?? []);
  return summary ? new Failure(summary, { advice, type: "no-photo" }) : unreadableFile();
}

export const pageError = () =>
  new Failure("There was an error in this page.", { advice: "Reload the page and try again.", type: "broken" });

export const configBroken = () =>
  new Failure("This website doesn’t know where its API is. Its config.json is missing or damaged.", {
    advice: "Try again. If that doesn’t help, the owner of this website has to deploy it again.",
    type: "config-broken",
    retryable: true,
  });

/** @param {number} bytes  @param {number} maxBytes  @returns {Failure} */
export const tooLarge = (bytes, maxBytes) =>
  new Failure(`This photo has ${megabytes(bytes)}, and this browser can’t make it smaller.`, {
    advice: `You can send up to ${megabytes(maxBytes)}. Save the photo as a JPEG and choose that file.`,
    type: "too-large",
  });

/** @param {number} bytes */
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
