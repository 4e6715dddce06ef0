// Every way an answer can fail to come, each as one plain sentence for the person who sent the photo.

/** An expected failure; its message is the sentence to show. */
export class Failure extends Error {
  /**
   * @param {string} sentence
   * @param {{retryable?: boolean, requestId?: string}} [about]
   */
  constructor(sentence, { retryable = false, requestId = "" } = {}) {
    super(sentence);
    this.name = "Failure";
    this.retryable = retryable;
    this.requestId = requestId;
  }
}

/** What the statuses mean when they come from API Gateway, which knows nothing of problem+json. */
const SENTENCES = new Map([
  [403, "The API refused this website. Its owner has to allow it."],
  [404, "There is no recognition at the address this website was given."],
  [413, "This photo is too large to send. Try a smaller one."],
  [429, "Too many photos are being sent right now. Wait a moment and try again."],
  [500, "Something broke on the server. Try again in a moment."],
  [502, "The server stumbled over this photo. Try again in a moment."],
  [503, "Recognition is busy or starting up. Try again in a moment."],
  [504, "Recognition took too long to answer. Try again in a moment."],
]);

/**
 * @param {number} status  HTTP status of an answer that isn't a Recognition
 * @param {any} body  its parsed JSON, null where it was none
 * @returns {Failure}
 */
export function fromResponse(status, body) {
  return new Failure(detailOf(body) ?? SENTENCES.get(status) ?? `The server answered with an error (${status}).`, {
    retryable: status === 429 || status >= 500,
    requestId: typeof body?.request_id === "string" ? body.request_id : "",
  });
}

/** @param {any} body  @returns {string | undefined} */
function detailOf(body) {
  return typeof body?.detail === "string" && body.detail.trim() ? body.detail : undefined;
}

export const unreachable = () =>
  new Failure("Recognition can’t be reached. Check your connection and try again.", { retryable: true });

export const tooSlow = () =>
  new Failure("No answer came in time. Try again, or send a smaller photo.", { retryable: true });

export const unreadableAnswer = () =>
  new Failure("The server’s answer made no sense to this page. Try again in a moment.", { retryable: true });

export const unreadableFile = () => new Failure("This file can’t be read. Choose the photo again, or another one.");

export const nothingDropped = () => new Failure("There was no photo in that. Save it first, then choose the file.");

/** @param {number} bytes  @param {number} maxBytes  @returns {Failure} */
export const tooLarge = (bytes, maxBytes) =>
  new Failure(
    `This photo has ${megabytes(bytes)}, and this browser can’t make it smaller. ` +
      `Up to ${megabytes(maxBytes)} can be sent: save it as a JPEG and choose that.`,
  );

/** @param {number} bytes */
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
