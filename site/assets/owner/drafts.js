// Photos of a person before they are added: each is looked at as soon as it is chosen, and says what is wrong with it.
import { toPercent } from "../boxes.js";
import { make } from "../dom.js";
import { prepare } from "../photo.js";
import { Queue, isDone } from "../queue.js";
import { inOrder, progress } from "../sentences.js";
import { format, words } from "../words.js";
import { detect, newKey } from "./api.js";
import { batches } from "./batches.js";
import { button, roomOf, tell, tellFailure } from "./parts.js";
import { faceAdvice } from "./words.js";

/**
 * @typedef {import("../queue.js").Item & {chosen?: number, result?: import("./types.js").PhotoResult}} Draft
 *   `chosen` is the number of the person's face, from 1; `result` is why the service did not use the photo
 */

/** The service takes no more photos of a person at once. */
export const MAX_DRAFTS = 50;

const URN = /^urn:visage:problem:/;

export class Drafts {
  #queue;
  #list = make("ul", { class: "drafts", "aria-label": words.yourPhotos });
  #summary = make("p", { class: "notice", role: "status", hidden: true });
  #send = button(words.addPhotosButton, () => this.#sendAll(), "button");
  /** Elements and addresses of the pictures by draft. */
  #shown = new Map();
  #onSend;
  /** Goes on with sending once all photos have been looked at. */
  #onLooked = () => {};
  /** Keys of requests by what they say, so that another attempt doesn't add anybody twice. */
  #keys = new Map();

  /**
   * @param {HTMLElement} place
   * @param {string} api
   * @param {{label: string, send: (photos: import("./api.js").Photo[], keyOf: (request: string) => string) => Promise<import("./types.js").Added>,
   *   onAdded: (added: import("./types.js").Added[], drafts: Draft[]) => void, check?: () => boolean}} how  `send` sends one
   *   request; `onAdded` is called at the end, with the drafts that were not used; without `check` nothing stops sending
   */
  constructor(place, api, how) {
    this.#onSend = how;
    this.#send.textContent = how.label;
    this.#queue = new Queue({
      prepare,
      recognize: (blob, options) => detect(api, blob, options),
      turn: async (...photo) => (await import("../turn.js")).turn(...photo),
    });
    this.#queue.addEventListener("change", ({ detail: draft }) => {
      this.#update(draft);
      if (isDone(draft)) this.#announce(draft);
      this.#onLooked();
    });
    place.replaceChildren(this.#list, this.#summary, this.#send);
    this.#arrange();
  }

  /** @returns {Draft[]} */
  get photos() {
    return this.#queue.items;
  }

  /** @param {Blob[]} files */
  add(files) {
    const room = MAX_DRAFTS - this.photos.length;
    this.#queue.add(files.slice(0, room));
    this.say(files.length > room ? words.tooManyPhotos(MAX_DRAFTS) : "", true);
    this.#arrange();
  }

  /** Takes over drafts that have their results. @param {Draft[]} drafts */
  takeOver(drafts) {
    this.#queue.show(drafts);
    this.#arrange();
  }

  /** Sends photos again for which a key or the network was missing. */
  retry() {
    this.#queue.retryFailed(({ retryable }) => retryable);
  }

  /** @param {string} sentence  empty for none  @param {boolean} [isWrong] */
  say(sentence, isWrong = false) {
    tell(this.#summary, sentence, isWrong);
  }

  clear() {
    this.takeOver([]);
    this.say("");
  }

  #arrange() {
    for (const [draft, { element, address }] of this.#shown) {
      if (this.photos.includes(draft)) continue;
      URL.revokeObjectURL(address);
      element.remove();
      this.#shown.delete(draft);
    }
    for (const draft of this.photos) if (!this.#shown.has(draft)) this.#show(draft);
    this.#list.hidden = this.#send.hidden = !this.photos.length;
  }

  #show(draft) {
    const element = make("li", { class: "draft", tabindex: "-1" });
    this.#shown.set(draft, { element });
    this.#list.append(element);
    this.#update(draft);
  }

  /** Tells screen readers what was found in a photo. */
  #announce(draft) {
    document.getElementById("status").textContent = words.photoResult(this.photos.indexOf(draft) + 1, sentenceOf(draft));
  }

  /** Builds the card of a draft again. The focus stays on the button with the same words. */
  #update(draft) {
    const shown = this.#shown.get(draft);
    if (!shown) return;
    if (draft.preview && shown.preview !== draft.preview) {
      URL.revokeObjectURL(shown.address);
      Object.assign(shown, { preview: draft.preview, address: URL.createObjectURL(draft.preview) });
    }
    const { element } = shown;
    const focused = element.contains(document.activeElement) && document.activeElement;
    element.replaceChildren(...this.#content(draft, shown.address));
    if (!focused) return;
    const again = [...element.querySelectorAll("button")].find(({ textContent }) => textContent === focused.textContent);
    (again ?? element).focus();
  }

  #content(draft, address) {
    const number = this.photos.indexOf(draft) + 1;
    const faces = draft.recognition?.faces ?? [];
    const sentence = sentenceOf(draft);
    const kind = stateOf(draft);
    return [
      make("div", { class: "picture" }, address && make("img", { src: address, alt: words.photo(number) }), ...this.#boxes(draft, faces)),
      make("p", { class: `verdict ${kind}` }, sentence),
      faces.length > 1 && this.#faceButtons(draft, faces, number),
      make("div", { class: "choices" }, ...this.#buttons(draft, kind, number)),
    ].filter(Boolean);
  }

  #boxes(draft, faces) {
    if (faces.length < 2) return [];
    return inOrder(faces).map((face, index) => {
      const style = Object.fromEntries(Object.entries(toPercent(face.box, draft.recognition.image)).map(([side, value]) => [side, `${value}%`]));
      const isChosen = draft.chosen === faces.indexOf(face) + 1;
      const onclick = () => this.#choose(draft, faces.indexOf(face) + 1);
      return make("span", { class: isChosen ? "mark-face chosen" : "mark-face", style, onclick, "aria-hidden": "true" }, format.number(index + 1));
    });
  }

  /** The numbers are those of the boxes, in the order in which one reads. */
  #faceButtons(draft, faces, number) {
    const choices = inOrder(faces).map((face, index) => {
      const own = faces.indexOf(face) + 1;
      const choice = button(format.number(index + 1), () => this.#choose(draft, own));
      choice.setAttribute("aria-pressed", String(draft.chosen === own));
      choice.setAttribute("aria-label", words.face(index + 1));
      return choice;
    });
    return make("div", { class: "face-choice", role: "group", "aria-label": words.whichFace(number) }, ...choices);
  }

  #choose(draft, face) {
    draft.chosen = draft.chosen === face ? undefined : face;
    draft.result = undefined;
    this.#update(draft);
  }

  #buttons(draft, kind, number) {
    const remove = button(words.removeDraft, () => this.#remove(draft), "link");
    remove.setAttribute("aria-label", words.removeDraftNumber(number));
    return [
      kind === "asking" && button(words.sendUnchanged, () => this.#queue.allowMetadata(), "link"),
      draft.failure?.retryable && isDone(draft) && button(words.tryAgain, () => this.#queue.retry(draft), "link"),
      problemOf(draft) === "unlike-others" && draft.recognition.faces.length === 1 && button(words.useAnyway, () => this.#choose(draft, 1), "link"),
      remove,
    ].filter(Boolean);
  }

  #remove(draft) {
    const neighbour = this.#shown.get(draft).element.nextElementSibling ?? this.#shown.get(draft).element.previousElementSibling;
    this.#queue.remove(draft);
    this.#arrange();
    for (const each of this.photos) this.#update(each); // their numbers
    this.#onLooked();
    (neighbour ?? document.querySelector("#file")).focus();
  }

  /** Resolves when no photo is being looked at any more. */
  #looked() {
    const isLooking = () => this.photos.some((draft) => !isDone(draft) && draft.state !== "asking");
    if (!isLooking()) return Promise.resolve();
    this.say(words.stillLooking);
    return new Promise((resolve) => (this.#onLooked = () => isLooking() || resolve()));
  }

  /** Sends what is ready, in several requests if need be. What the service uses leaves the list. */
  async #sendAll() {
    const { check, send, onAdded } = this.#onSend;
    if (check && !check()) return;
    this.#send.disabled = true;
    await this.#looked();
    const ready = this.photos.filter(isReady);
    this.#send.disabled = Boolean(ready.length);
    if (!ready.length) return this.say(this.photos.length ? words.noPhotoReady : "", true);
    this.say(words.adding);
    const added = [];
    try {
      for (const batch of batches(ready)) {
        const photos = batch.map(({ sent, chosen }) => ({ blob: sent, face: chosen ?? null }));
        const request = batch.map(({ id, chosen }) => `${id}:${chosen ?? ""}`).join(" ");
        const answer = await send(photos, (more) => this.#keyOf(`${request} ${more}`)).catch((failure) => this.#notUsed(failure));
        if (answer.person) added.push(answer);
        this.#apply(batch, answer.photos);
      }
      this.say(added.length ? "" : words.noneUsed, true);
    } catch (failure) {
      tellFailure(this.#summary, failure);
      const namesake = failure.type === "name-taken" && failure.body?.id;
      if (namesake) this.#summary.append(" ", make("a", { href: roomOf(namesake) }, words.openPerson));
    } finally {
      this.#send.disabled = false;
      this.#arrange();
      for (const each of this.photos) this.#update(each);
    }
    if (added.length) onAdded(added, this.photos);
  }

  /** No photo of the request could be used: the answer says why of each. */
  #notUsed(failure) {
    if (failure.type !== "no-photo-used" || !Array.isArray(failure.body?.photos)) throw failure;
    return { photos: failure.body.photos };
  }

  #apply(batch, results) {
    for (const result of results) {
      const draft = batch[result.photo - 1];
      if (!draft) continue;
      if (result.used) this.#queue.remove(draft);
      else draft.result = result;
    }
  }

  #keyOf(request) {
    if (!this.#keys.has(request)) this.#keys.set(request, newKey());
    return this.#keys.get(request);
  }
}

/** A photo whose only problem is that the service couldn't look at it may be sent all the same. */
const isReady = ({ state, sent }) => state === "answered" && Boolean(sent);

const problemOf = ({ result }) => result?.problem?.type.replace(URN, "");

/** @returns {string} a class: good, doubtful, bad, or the state of the photo */
function stateOf(draft) {
  if (draft.result?.problem) return "bad";
  if (draft.state === "failed") return "bad";
  if (draft.state !== "answered") return draft.state;
  const { faces } = draft.recognition;
  if (faces.length !== 1 && !draft.chosen) return "doubtful";
  return adviceOf(draft).length ? "doubtful" : "good";
}

function sentenceOf(draft) {
  const problem = draft.result?.problem;
  if (problem) return words.photoProblems[problemOf(draft)]?.join(" ") ?? problem.detail;
  if (draft.state === "failed") return draft.failure.message;
  if (draft.state === "asking") return words.asking;
  if (draft.state !== "answered") return progress(draft);
  const { faces } = draft.recognition;
  if (faces.length > 1 && !draft.chosen) return words.severalFaces(faces.length);
  const advice = adviceOf(draft).map((kind) => faceAdvice[kind]);
  return advice.length ? advice.join(" ") : words.goodPhoto;
}

/** Of the face that would be used. */
function adviceOf({ recognition: { faces }, chosen }) {
  const face = faces[chosen ? chosen - 1 : 0];
  return (face?.advice ?? []).filter((kind) => Object.hasOwn(faceAdvice, kind));
}
