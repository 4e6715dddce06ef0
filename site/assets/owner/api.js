// Requests about people. Each needs the owner's key, and returns the answer or throws a Failure.
import { json, recognize as recognizePhoto, send, sendPhoto } from "../api.js";
import { Failure } from "../failure.js";
import { MAX_PHOTO_BYTES } from "../shrink.js";
import { words } from "../words.js";

/** @typedef {import("./types.js").Person} Person */
/** @typedef {import("./types.js").Added} Added */

/**
 * @typedef {object} Photo  a photo of a person
 * @property {Blob} blob
 * @property {number | null} face  the number of the person's face, from 1; null if nobody has chosen one
 */

/** For requests that nobody aborts. */
const NEVER_ABORTED = new AbortController().signal;

/**
 * @param {string} api  address of the API
 * @param {{after?: string, name?: string, limit?: number}} page
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").People>} a page of the people whose names contain `name`
 */
export async function listPeople(api, { after, name, limit }, signal) {
  const query = new URLSearchParams(Object.entries({ limit, after, name }).filter(([, value]) => value));
  return read(await ask({ method: "GET", url: `${api}/people?${query}` }, signal), (body) => Array.isArray(body?.people));
}

/** @param {string} api  @param {string} id  @returns {Promise<{person: Person, etag: string}>} */
export async function getPerson(api, id) {
  return personIn(await ask({ method: "GET", url: addressOf(api, id) }));
}

/**
 * @param {string} api
 * @param {string} name
 * @param {Photo[]} photos
 * @param {string} key  the same for another attempt of the same request, so that nobody is added twice
 * @returns {Promise<Added>}
 */
export async function addPerson(api, name, photos, key) {
  return sendPhotos(api, `${api}/people`, { name }, photos, key);
}

/** @param {string} api  @param {string} id  @param {Photo[]} photos  @param {string} key  @returns {Promise<Added>} */
export async function addPhotos(api, id, photos, key) {
  return sendPhotos(api, `${addressOf(api, id)}/photos`, {}, photos, key);
}

/** @param {string} api  @param {Blob} photo  @param {import("../api.js").Progress} progress  @returns {Promise<import("../types.js").Recognition>} */
export function recognize(api, photo, progress) {
  return translated(recognizePhoto(api, photo, progress), PHOTO_SCOPE);
}

/** Says that a face is not this person's. @param {string} api  @param {string} id  @param {Photo} photo  @param {string} key  @returns {Promise<Added>} */
export async function addNearMiss(api, id, photo, key) {
  return sendPhotos(api, `${addressOf(api, id)}/near-misses`, {}, [photo], key);
}

/** @param {string} api  @param {string} id  @param {string} name  @param {string} etag  of the person as the owner saw it  @returns {Promise<{person: Person, etag: string}>} */
export async function renamePerson(api, id, name, etag) {
  const body = new Blob([JSON.stringify({ name })], { type: "application/json" });
  return personIn(await ask({ method: "PATCH", url: addressOf(api, id), body, headers: ifMatch(etag) }));
}

/** @param {string} api  @param {string} id  @param {string} etag  @returns {Promise<{id: string, name: string, gone_on: string}>} */
export async function removePerson(api, id, etag) {
  return read(await ask({ method: "DELETE", url: addressOf(api, id), headers: ifMatch(etag) }), (body) => Boolean(body?.gone_on));
}

/** @param {string} api  @param {string} id  @param {string} etag  @returns {Promise<{person: Person, etag: string}>} */
export async function forgetNearMisses(api, id, etag) {
  return personIn(await ask({ method: "DELETE", url: `${addressOf(api, id)}/near-misses`, headers: ifMatch(etag) }));
}

/** @param {string} api  @param {string} id  @param {AbortSignal} signal  @returns {Promise<Blob>} JPEG */
export async function getThumbnail(api, id, signal) {
  return (await ask({ method: "GET", url: `${addressOf(api, id)}/thumbnail` }, signal)).body;
}

/** @param {string} api  @param {Blob} photo  @param {import("../api.js").Progress} progress  @returns {Promise<import("../types.js").Recognition>} faces without names */
export async function detect(api, photo, progress) {
  const isDetection = (body) => Array.isArray(body?.faces) && body.image?.width > 0;
  return read(await translated(sendPhoto(api, "/detect", photo, progress), PHOTO_SCOPE), isDetection);
}

/** @returns {string} a key for a new request; crypto.randomUUID needs https */
export const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const addressOf = (api, id) => `${api}/people/${encodeURIComponent(id)}`;

/** A page at another address than the API's may not be able to read ETags. */
const ifMatch = (etag) => (etag ? { "If-Match": etag } : {});

async function personIn(response) {
  return { person: await read(response, (body) => Boolean(body?.id)), etag: response.headers.get("etag") ?? "" };
}

/** Photos that are too large for a request go through S3, one at a time. */
async function sendPhotos(api, url, fields, photos, key) {
  const headers = { "Idempotency-Key": key };
  const isLarge = photos.some(({ blob }) => blob.size > MAX_PHOTO_BYTES);
  const body = isLarge ? await uploaded(api, fields, photos) : formOf(fields, photos);
  return read(await ask({ method: "POST", url, body, headers }), (answer) => Boolean(answer?.person) && Array.isArray(answer.photos));
}

function formOf(fields, photos) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  for (const { blob } of photos) form.append("image", blob, "photo");
  if (photos.some(({ face }) => face)) for (const { face } of photos) form.append("face", face ? String(face) : "");
  return form;
}

async function uploaded(api, fields, photos) {
  const { deliver } = await import("../uploads.js");
  const uploads = [];
  for (const { blob } of photos) {
    const pointer = await deliver(api, blob, (request) => ask(request));
    uploads.push(JSON.parse(await pointer.text()).upload);
  }
  const body = { ...fields, uploads, faces: photos.map(({ face }) => face) };
  return new Blob([JSON.stringify(body)], { type: "application/json" });
}

const ask = (request, signal = NEVER_ABORTED) => translated(send(request, { signal }));

/** The sentences for a key that may not make requests about photos. */
const PHOTO_SCOPE = { "key-scope": "photo-scope" };

/** This page has sentences of its own for problems that only an owner meets. */
async function translated(work, names = {}) {
  try {
    return await work;
  } catch (failure) {
    const name = names[failure.type] ?? failure.type;
    if (!(failure instanceof Failure) || !Object.hasOwn(words.problems, name)) throw failure;
    const [summary, advice] = words.problems[name];
    throw new Failure(summary, { ...failure, advice });
  }
}

const read = (response, isExpected) => json(response, isExpected);
