// Small parts that several places of the owner's page show: buttons, a person's picture, and how well a person is known.
import { make } from "../dom.js";
import { format, words } from "../words.js";
import { getThumbnail } from "./api.js";

/** @typedef {import("./types.js").Person} Person */

export const button = (text, onclick, className = "button quiet") => make("button", { type: "button", class: className, onclick }, text);

/** @param {string} id  @returns {string} the address of a person's room */
export const roomOf = (id) => `#person/${encodeURIComponent(id)}`;

/**
 * The person's picture if the service keeps one, else the initials. Pictures are loaded when they come into sight.
 * @param {string} api
 * @param {Person} person
 * @returns {HTMLElement}
 */
export function portrait(api, person) {
  const initials = [...person.name.matchAll(/(?:^|[\s.-])([\p{L}\p{N}]\p{M}*)/gu)].map(([, letter]) => letter);
  const view = make("span", { class: "portrait", "aria-hidden": "true" }, [initials[0], initials.length > 1 && initials[initials.length - 1]].filter(Boolean).join(""));
  if (person.thumbnail) whenSeen(view, () => showThumbnail(view, api, person.id));
  return view;
}

async function showThumbnail(view, api, id) {
  const left = new AbortController();
  const watch = new MutationObserver(() => view.isConnected || left.abort());
  watch.observe(document.body, { childList: true, subtree: true });
  try {
    const address = URL.createObjectURL(await getThumbnail(api, id, left.signal));
    const picture = make("img", { src: address, alt: "" });
    for (const event of ["load", "error"]) picture.addEventListener(event, () => URL.revokeObjectURL(address), { once: true });
    picture.addEventListener("load", () => view.replaceChildren(picture), { once: true });
  } catch {
    // The initials stay.
  } finally {
    watch.disconnect();
  }
}

function whenSeen(element, action) {
  const observer = new IntersectionObserver(([{ isIntersecting }]) => {
    if (!isIntersecting) return;
    observer.disconnect();
    action();
  });
  observer.observe(element);
}

/** @param {Person} person  @returns {HTMLElement | false} a bar, and the same in words */
export function qualityView({ quality }) {
  if (typeof quality !== "number") return false;
  const bar = make("span", { class: "bar", "aria-hidden": "true", style: { "--probability": quality } });
  return make("span", { class: `quality ${levelOf(quality)}` }, bar, words.levels[levelOf(quality)]);
}

/** From which quality on a person is known so well. */
const LEVELS = [["well", 0.65], ["fairly", 0.4], ["hardly", 0]];

const levelOf = (quality) => LEVELS.find(([, least]) => quality >= least)[0];

/** @param {Person} person  @returns {string} how many photos there are, and that the network was trained on a person */
export function photosOf({ trained, photos }) {
  if (!trained) return words.photoCount(photos);
  return photos ? words.trainedAndPhotos(photos) : words.trained;
}

/** @param {Person} person  @returns {string[]} what would make the person better known */
export const adviceFor = ({ advice }) => advice.map((kind) => words.personAdvice[kind]).filter(Boolean);

/** @param {string} name  @returns {HTMLElement} a name that keeps its own direction */
export const nameView = (name) => make("bdi", {}, name);

/** @param {HTMLElement} place  @param {string} sentence  empty to hide the place  @param {boolean} [isWrong] */
export function tell(place, sentence, isWrong = false) {
  place.textContent = sentence;
  place.hidden = !sentence;
  place.classList.toggle("calm", !isWrong);
}

/** Shows what went wrong in this place. Where another key may help, the page asks for it. @param {HTMLElement} place  @param {Error} failure */
export function tellFailure(place, failure) {
  tell(place, failure.message, true);
  if (failure.needsKey) dispatchEvent(new CustomEvent("keyneeded", { detail: failure }));
  else if (!failure.summary) reportError(failure);
}

/** @param {number} similarity  @returns {string} */
export const similarityOf = (similarity) => format.wholePercent(Math.max(0, similarity));
