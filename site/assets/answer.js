// The panel beside the photo: what happens to it, then who is on it.
import { make } from "./dom.js";
import { canShare, copy, curl, resultImage, share } from "./share.js";
import { STARTING, headline, isKnown, likeliestIntro, nameOf, percent, progress, summary, timings } from "./words.js";

/** @typedef {import("./api.js").Face} Face */
/** @typedef {import("./queue.js").Item} Item */

/**
 * @typedef {object} Actions  what the panel's buttons do
 * @property {() => void} cancel
 * @property {() => void} retry
 * @property {(number: number) => Promise<Blob>} aligned  a face as the network saw it, by its number from 1
 * @property {string} api  address of the API
 */

/** @param {Item} item  @param {Actions} actions  @returns {HTMLElement[]} the content of the panel */
export function panelOf(item, actions) {
  if (item.state === "answered") return answer(item, actions);
  if (item.state === "failed") return failed(item.failure, actions);
  if (item.state === "cancelled") return [make("p", {}, progress(item)), button("Send it again", actions.retry)];
  return working(item, actions);
}

function working(item, { cancel }) {
  const measurable = item.state === "sending";
  return [
    make("p", { class: "step" }, make("span", { class: "spinner", "aria-hidden": "true" }), make("span", { id: "progress" }, progress(item))),
    measurable && make("progress", { id: "sent", max: 1, value: item.progress, "aria-label": "Sent" }),
    item.slow && make("p", { class: "fine" }, STARTING),
    button("Cancel", cancel),
  ].filter(Boolean);
}

function failed({ message, requestId, retryable }, { retry }) {
  return [
    make("h2", { class: "alarm" }, "That didn’t work"),
    make("p", { id: "reason" }, message),
    requestId && make("p", { class: "fine" }, "Reference: ", make("code", {}, requestId)),
    retryable && button("Try again", retry),
  ].filter(Boolean);
}

function answer(item, actions) {
  const { faces } = item.recognition;
  const said = summary(faces);
  return [
    make("h2", { dir: "auto" }, headline(faces)),
    said && make("p", { class: "soft" }, said),
    make("ol", { class: "faces" }, ...faces.map((face, index) => card(face, index, faces.length, actions))),
    more(item.recognition, actions.api),
    tools(item, actions.api),
  ].filter(Boolean);
}

/** A face; alone in its photo, it is open and its name is the heading already. */
function card(face, index, count, { aligned }) {
  const alone = count === 1;
  const title = make(
    "summary",
    {},
    !alone && make("span", { class: "badge" }, String(index + 1)),
    make("span", { class: "name", dir: "auto" }, alone && isKnown(face) ? "How sure I am" : nameOf(face)),
    isKnown(face) && make("span", { class: "share" }, percent(face.probability)),
  );
  const details = make("details", { open: alone }, title, make("p", { class: "fine" }, likeliestIntro(face)), bars(face), seen(index, aligned));
  return make("li", { class: isKnown(face) ? "face known" : "face", "data-face": String(index) }, details);
}

function bars(face) {
  const line = ({ label, probability, enrolled }) =>
    make(
      "li",
      {},
      make("span", { class: "name", dir: "auto" }, label),
      enrolled && make("span", { class: "mark", title: "Added from a few photos, without training" }, "enrolled"),
      make("span", { class: "share" }, percent(probability)),
      make("span", { class: "bar", "aria-hidden": "true", style: { "--share": probability } }),
    );
  return make("ul", { class: "bars" }, ...face.predictions.map(line));
}

/** The face as the network saw it, fetched when somebody asks for it. */
function seen(index, aligned) {
  const place = make("div", { class: "seen" });
  const ask = button("Show it as the network saw it", async () => {
    ask.disabled = true;
    try {
      const address = URL.createObjectURL(await aligned(index + 1));
      const image = make("img", { src: address, width: 112, height: 112, alt: "The face, cut out and upright" });
      image.addEventListener("load", () => URL.revokeObjectURL(address), { once: true });
      place.replaceChildren(make("figure", {}, image, make("figcaption", { class: "fine" }, "The network sees only this: the face, cut out and upright, 224 pixels wide.")));
    } catch (failure) {
      ask.disabled = false;
      place.replaceChildren(ask, make("p", { class: "fine", role: "alert" }, failure.message));
    }
  });
  place.append(ask);
  return place;
}

function more({ model, timing_ms: timing, image }) {
  const row = ([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value));
  const rows = [...timings(timing ?? {}), ["Photo", `${image.width} × ${image.height}`], ["Model", model?.version ?? "unknown"]];
  return make("details", { class: "more" }, make("summary", {}, "How this was answered"), make("dl", {}, ...rows.map(row)));
}

function tools({ recognition, preview }, api) {
  const said = make("span", { class: "fine", role: "status" });
  const tool = (text, act) =>
    button(text, async () => {
      said.textContent = await act().catch(() => "This browser did not allow it.");
    });
  const picture = () => resultImage(preview, recognition).then(share);
  return make(
    "div",
    { class: "tools" },
    preview && tool(canShare() ? "Share the result" : "Save the result", picture),
    tool("Copy JSON", () => copy(JSON.stringify(recognition, null, 2)).then(() => "The answer is copied.")),
    tool("Copy curl", () => copy(curl(api)).then(() => "The command is copied.")),
    said,
  );
}

const button = (text, onclick) => make("button", { type: "button", class: "button quiet", onclick }, text);
