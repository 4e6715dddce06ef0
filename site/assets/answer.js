// The content of the panel beside the photo: first the progress, then the people in it.
import { access } from "./api.js";
import { copy, curl } from "./copy.js";
import { make } from "./dom.js";
import { interrupted } from "./failure.js";
import { originalAnswer } from "./queue.js";
import { closest, inOrder, isKnown, knownNames, nameOf, percent, progress, summary, timings } from "./sentences.js";
import { format, language, words } from "./words.js";

/** @typedef {import("./types.js").Face} Face */
/** @typedef {import("./queue.js").Item} Item */

/**
 * @typedef {object} Actions  what the buttons of the panel do
 * @property {() => void} cancel
 * @property {() => void} retry
 * @property {() => void} allowMetadata  sends all photos whose metadata can't be removed
 * @property {boolean} several  whether there are other photos
 * @property {((number: number) => Promise<Blob>) | undefined} alignedFace  loads a face as the network saw it, by its number
 *   from 1; undefined if the photo isn't there any more
 * @property {string} api  address of the API
 * @property {(face: Face, number: number) => Node} [extra]  what the card of a face ends with
 */

/** @param {Item} item  @param {Actions} actions  @returns {HTMLElement[]} */
export function panelContent(item, actions) {
  if (item.state === "answered") return answerContent(item, actions);
  if (item.state === "failed") return failureContent(item.failure, actions);
  if (item.state === "asking") return askingContent(actions);
  if (item.state === "cancelled") return [make("p", {}, progress(item)), button(words.sendAgain, actions.retry)];
  return progressContent(item, actions);
}

function progressContent(item, { cancel }) {
  return [
    make(
      "p",
      { class: "step" },
      make("span", { class: "spinner", "aria-hidden": "true" }),
      make("span", { id: "progress" }, progress(item)),
    ),
    item.state === "sending" && make("progress", { id: "sent", max: 1, value: item.progress, "aria-label": words.sent }),
    item.slow && make("p", { class: "fine" }, words.slow),
    button(words.cancel, cancel),
  ].filter(Boolean);
}

function askingContent({ allowMetadata, cancel, several }) {
  return [
    make("h2", { class: "question" }, words.askingTitle),
    make("p", {}, words.asking),
    button(several ? words.sendAllUnchanged : words.sendUnchanged, allowMetadata),
    button(words.dontSend, cancel),
  ];
}

function failureContent({ message, requestId, retryable, needsKey }, { retry }) {
  return [
    make("h2", { class: "alarm" }, words.failed),
    make("p", { id: "reason" }, message),
    requestId && make("p", { class: "fine" }, `${words.reference} `, make("code", {}, requestId)),
    needsKey ? keyPlace() : retryable && button(words.tryAgain, retry),
  ].filter(Boolean);
}

/** @returns {HTMLElement} where the visitor can enter a key; few websites need that */
export function keyPlace() {
  const place = make("div");
  import("./key.js").then(({ askForKey }) => askForKey(place)).catch(() => (place.textContent = interrupted().message));
  return place;
}

function answerContent(item, actions) {
  const { faces, image } = item.recognition;
  const sentence = summary(faces);
  return [
    make("h2", {}, ...heading(faces)),
    sentence && make("p", { class: "soft" }, sentence),
    image.complete === false && make("p", { class: "soft" }, words.incomplete),
    make("ol", { class: "faces" }, ...inOrder(faces).map((face, index) => faceCard(face, index + 1, faces, actions))),
    requestDetails(item.recognition),
    toolbar(item, actions.api),
  ].filter(Boolean);
}

/** The names of the known people. Each keeps its own direction, and their order is the page's. */
function heading(faces) {
  const names = knownNames(faces);
  const isolated = ({ type, value }) => (type === "element" ? make("bdi", {}, value) : value);
  return names.length ? format.listParts(names).map(isolated) : [words.nobody];
}

/** The card of the only face is open, and has no name: the headline shows it. */
function faceCard(face, number, faces, { alignedFace, extra }) {
  const alone = faces.length === 1;
  const index = faces.indexOf(face);
  const title = make(
    "summary",
    {},
    !alone && make("span", { class: "badge" }, format.number(number)),
    make("span", { class: "name", dir: "auto" }, alone ? onlyTitle(face) : nameOf(face)),
    isKnown(face) && make("span", { class: "percent" }, percent(face.probability)),
  );
  const aligned = alignedFace && alignedFaceView(() => alignedFace(index + 1));
  const details = make("details", { open: alone }, title, ...likeliest(face, alone), face.advice?.length > 0 && adviceView(face.advice), aligned, extra?.(face, index + 1));
  return make("li", { class: isKnown(face) ? "face known" : "face", "data-face": String(index) }, details);
}

const onlyTitle = (face) => (isKnown(face) ? words.confidence : words.closest);

/** The likeliest people. Those of a stranger have no figures: a percentage would read as a claim. */
function likeliest(face, alone) {
  const known = isKnown(face);
  const people = known ? face.predictions : closest(face);
  const row = ({ label, probability, enrolled }) =>
    make(
      "li",
      {},
      make("span", { class: "name", dir: "auto" }, label),
      enrolled && make("span", { class: "mark", title: words.fewPhotosHint }, words.fewPhotos),
      known && make("span", { class: "percent" }, percent(probability)),
      known && make("span", { class: "bar", "aria-hidden": "true", style: { "--probability": probability } }),
    );
  const intro = known ? words.likeliest : !alone && words.closest;
  return [intro && make("p", { class: "fine" }, intro), make("ul", { class: "bars" }, ...people.map(row))].filter(Boolean);
}

/** Why the name may be wrong. Few answers need these sentences: they are loaded when one does. */
function adviceView(kinds) {
  const view = make("p", { class: "fine" }, "\u00a0"); // room for a line
  import(`./words/advice/${language}.js`).then(
    ({ default: advice }) => (view.textContent = kinds.map((kind) => advice[kind]).filter(Boolean).join(" ")),
    () => view.remove(),
  );
  return view;
}

/** A button that loads the face as the network saw it, and is replaced by that picture. */
function alignedFaceView(load) {
  const view = make("div", { class: "aligned" });
  const showButton = button(words.showFace, async () => {
    showButton.disabled = true;
    try {
      const address = URL.createObjectURL(await load());
      const image = make("img", { src: address, width: 112, height: 112, alt: words.croppedFace });
      image.addEventListener("load", () => URL.revokeObjectURL(address), { once: true });
      view.replaceChildren(make("figure", {}, image, make("figcaption", { class: "fine" }, words.croppedFaceHint)));
    } catch (failure) {
      showButton.disabled = false;
      view.replaceChildren(showButton, make("p", { class: "fine", role: "alert" }, failure.message));
    }
  });
  view.append(showButton);
  return view;
}

function requestDetails({ model, timing_ms: timing, image }) {
  const row = ([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value));
  const rows = [...timings(timing ?? {}), [words.photoSize, words.pixels(image.width, image.height)], [words.modelName, model?.version ?? words.unknownModel]];
  return make("details", { class: "more" }, make("summary", {}, words.details), make("dl", {}, ...rows.map(row)));
}

function toolbar(item, api) {
  const { preview } = item;
  const status = make("span", { class: "fine", role: "status" });
  const tool = (text, action) =>
    button(text, async () => {
      status.textContent = await action().catch(() => words.notAllowed);
    });
  return make(
    "div",
    { class: "tools" },
    preview && tool(canShare() ? words.shareResult : words.saveResult, () => shareResult(item)),
    tool(words.copyJson, () => copy(JSON.stringify(originalAnswer(item), null, 2)).then(() => words.answerCopied)),
    tool(words.copyCurl, () => copy(curl(api, Boolean(access.key))).then(() => words.commandCopied)),
    status,
  );
}

async function shareResult(item) {
  const { resultImage, share } = await import("./share.js");
  return share(await resultImage(item));
}

/** @returns {boolean} whether this browser can share pictures with other apps */
export const canShare = () => Boolean(navigator.canShare?.({ files: [new File([], "a.jpg", { type: "image/jpeg" })] }));

const button = (text, onclick) => make("button", { type: "button", class: "button quiet", onclick }, text);
