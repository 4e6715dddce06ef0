// The entry point: connects the photos that come in, the queue that sends them, and the page that shows the results.
import { alignedFace, labels, recognize, recognizeFrame } from "./api.js";
import { loadConfig } from "./config.js";
import { addStylesheet, make } from "./dom.js";
import { interrupted, noPhoto, unreadableFile } from "./failure.js";
import { cameraUnavailable } from "./has-camera.js";
import { watchInput, watchIntake } from "./intake.js";
import { sortFiles } from "./kind.js";
import { loadSeveral, Page } from "./page.js";
import { showPeople } from "./people.js";
import { prepare } from "./photo.js";
import { isFinal, Queue } from "./queue.js";
import { leftOut } from "./sentences.js";
import { Replaced } from "./traffic.js";
import { showWords, words } from "./words.js";

if (document.body.dataset.view === "old") throw new Error("This browser is too old for this page."); // old.js says so

await showWords();

const element = (id) => document.getElementById(id);

/** Loaded where the owner wants visitors to agree. */
const consent = element("consent").hidden ? { given: true } : new (await import("./consent.js")).Consent(element("consent"));

/** Loaded once. After a failure it is loaded again when it is needed next. @type {import("./config.js").Config} */
let config, extra;

async function getConfig() {
  config ??= await loadConfig();
  if (config.references) ({ extra } = await import("./reference.js").catch(() => ({})));
  return config;
}

const queue = new Queue({
  prepare,
  recognize: async (blob, options) => recognize((await getConfig()).api, blob, options),
  turn: async (...photo) => (await import("./turn.js")).turn(...photo),
});

/** The choice that the page shows: later choices have higher numbers, also after a reload. */
let shown = 0;

/** Loads what this tab keeps, when there is something to keep. A browser that blocks storage throws: it keeps nothing. */
const loadTab = () => (tab ??= import("./tab.js").then(({ Tab }) => new Tab(sessionStorage)));

/** @type {Promise<import("./tab.js").Tab> | undefined} */
let tab;

const actions = (item) => ({
  api: config?.api,
  extra,
  cancel: () => queue.cancel(item),
  retry: () => agreement().then(() => queue.retry(item)),
  allowMetadata: () => queue.allowMetadata(),
  several: queue.items.length > 1,
  alignedFace: item.sent && ((number) => agreement().then(() => alignedFace(config.api, item.sent, number, choice.signal))),
});

const page = new Page(actions, (item) => {
  queue.remove(item);
  tab?.then((kept) => kept.drop(item)).catch(() => {});
  page.remove(item);
});

/** Waits until the visitor agrees, where the owner wants that. */
async function agreement() {
  if (consent.given) return;
  page.note(words.consentFirst);
  await consent.ask();
  page.note("");
}

/** Is aborted when other photos are chosen, also while the files of this choice are still being read. */
let choice = new AbortController();

function chooseAgain() {
  choice.abort(new Replaced());
  choice = new AbortController();
  return choice.signal;
}

/**
 * @param {Blob[]} files
 * @param {string[]} [folders]  names of folders, which are left out
 * @param {{add?: boolean, chosenAt?: Element | null}} [how]  `add` keeps the photos that are there; `chosenAt` is the element
 *   that had the focus at the choice
 */
async function recognizePhotos(files, folders = [], { add = false, chosenAt = document.activeElement } = {}) {
  const signal = add ? choice.signal : chooseAgain();
  const { photos, others } = await sortFiles(files);
  if (signal.aborted) return;
  if (photos.length && !consent.given) {
    await agreement();
    chosenAt = document.activeElement; // the line that the visitor has ticked
  }
  if (signal.aborted) return;
  const unsent = [...folders.map((name) => ({ name, kind: "folder" })), ...others];
  if (add) addPhotos(photos, chosenAt);
  else showNew(() => (photos.length ? queue.replace(photos) : queue.fail(noPhoto(unsent.map(({ kind }) => kind)))), chosenAt);
  page.note(add || photos.length || unsent.length > 1 ? leftOut(unsent) : "");
}

/** Other photos are an entry of the browser's history, so that Back shows the former ones. */
function showNew(start, chosenAt) {
  shown = Date.now();
  const entry = { ...history.state, photos: shown };
  if (queue.items.length) history.pushState(entry, "");
  else history.replaceState(entry, "");
  start();
  page.show(queue.items, { chosenAt });
}

/** The first of the added photos is selected. */
function addPhotos(photos, chosenAt) {
  const before = queue.items.length;
  if (!photos.length) return;
  if (!queue.items.some(({ file }) => file)) return showNew(() => queue.replace(photos), chosenAt); // instead of a failure
  queue.add(photos);
  page.show(queue.items, { selected: queue.items[before], chosenAt });
}

queue.addEventListener("change", ({ detail: item }) => {
  page.update(item);
  if (item.file && isFinal(item)) loadTab().then((kept) => kept.keep(item, shown, () => queue.items.includes(item))).catch(() => {});
});
for (const event of ["pointerdown", "keydown", "dragenter"]) addEventListener(event, loadSeveral, { once: true });
watchHistory(); // before photos that were chosen while the page was still loading
watchIntake(element("file"), recognizePhotos, () => page.note(words.nothingDropped));
watchInput(element("more"), (files) => recognizePhotos(files, [], { add: true }));
watchInput(element("captured"), (files) => recognizePhotos(files));
document.addEventListener("keydown", ({ key, defaultPrevented }) => {
  if (key === "Escape" && !defaultPrevented && !document.querySelector("dialog[open]")) queue.cancelAll();
});
element("captured").addEventListener("click", (event) => {
  if (consent.given) return;
  event.preventDefault();
  agreement();
});

async function useCamera() {
  await agreement();
  const style = addStylesheet(new URL("camera.css", import.meta.url).href);
  const [camera] = await Promise.all([import("./camera.js"), style]).catch(() => []);
  if (!camera) return page.note(interrupted().message);
  if (element("camera").open) return; // the button was pressed twice
  const photo = await camera.takePhoto(element("camera"), config?.live === 0 ? null : liveOptions());
  if (photo) recognizePhotos([photo]);
}

const liveOptions = () => ({
  recognize: async (frame, signal) => recognizeFrame((await getConfig()).api, frame, signal),
  framesPerSecond: config?.live,
});

/** @type {Promise<import("./zoom.js").Zoom | undefined> | undefined} */
let zoom;

/** Loads zooming when somebody points at a photo or its answer. Without a connection, the next time tries again. */
function loadZoom() {
  zoom ??= import("./zoom.js").then(
    ({ Zoom }) => new Zoom(element("stage")),
    () => (zoom = undefined),
  );
}

for (const part of [element("stage"), element("panel")]) {
  for (const event of ["pointerover", "focusin"]) part.addEventListener(event, loadZoom);
}

/** A card that is opened brings its face near; closing it shows the whole photo. */
element("panel").addEventListener("click", async ({ target }) => {
  const details = target.closest("[data-face] > details > summary")?.parentElement;
  if (!details) return;
  const isOpening = !details.open;
  loadZoom();
  const loaded = await zoom;
  if (isOpening) loaded?.showFace(details.parentElement);
  else loaded?.showWhole();
});

/** A phone also offers its camera app, which works even where this page may not use the camera. */
function offerCamera() {
  const reason = cameraUnavailable();
  const isPhone = matchMedia("(pointer: coarse)").matches;
  element("shoot").hidden = Boolean(reason);
  element("shoot").disabled = false;
  element("no-camera").hidden = !reason || isPhone;
  element("no-camera").textContent = reason;
  element("shoot").addEventListener("click", useCamera);
}

/** @param {import("./config.js").Example[]} examples */
function offerExamples(examples) {
  const entry = ({ photo, thumbnail }, index) => {
    const picture = make("img", { src: thumbnail, alt: "", loading: "lazy", width: 72, height: 72 });
    const onclick = () => recognizeExample(photo);
    return make("li", {}, make("button", { type: "button", "aria-label": words.example(index + 1), onclick }, picture));
  };
  element("examples").hidden = !examples.length;
  element("examples").querySelector("ul").replaceChildren(...examples.map(entry));
}

async function recognizeExample(address) {
  const chosenAt = document.activeElement;
  const signal = chooseAgain();
  const photo = await fetch(address, { signal }).then((response) => (response.ok ? response.blob() : null)).catch(() => null);
  if (signal.aborted) return;
  if (photo) return recognizePhotos([photo], [], { chosenAt });
  queue.fail(unreadableFile());
  page.show(queue.items, { chosenAt });
  page.note("");
}

function watchConnection() {
  const showState = () => (element("offline").hidden = navigator.onLine);
  addEventListener("offline", showState);
  addEventListener("online", () => {
    showState();
    queue.retryFailed(({ type }) => type === "offline"); // there was no connection
  });
  showState();
}

/** Browsers keep a page in memory that the visitor has left: nothing is sent from there. */
function watchLeaving() {
  addEventListener("pagehide", () => queue.leave());
  addEventListener("pageshow", ({ persisted }) => persisted && queue.resume());
}

/**
 * Shows photos that this tab keeps.
 * @param {number} [number]  of their choice; the newest by default
 */
async function showKept(number) {
  const signal = chooseAgain();
  const [kept] = await Promise.all([loadTab().catch(() => null), loadSeveral()]);
  if (signal.aborted) return;
  shown = number ?? kept?.newest ?? 0;
  queue.show(kept?.restore(shown) ?? []);
  page.show(queue.items);
  page.note("");
}

function watchHistory() {
  if (keepsSomething()) showKept(history.state?.photos);
  addEventListener("popstate", ({ state }) => state?.photos && state.photos !== shown && showKept(state.photos));
  element("forget").addEventListener("click", async () => {
    await loadTab().then((kept) => kept.forget()).catch(() => {});
    await showKept();
    element("file").focus();
  });
}

function keepsSomething() {
  try {
    return Object.keys(sessionStorage).some((key) => key.startsWith("photo "));
  } catch {
    return false;
  }
}

/** Makes the page an app, where the deployment has a service worker. */
async function startShell() {
  const { registerWorker, takeShared } = await import("./shell.js");
  registerWorker();
  const photos = await takeShared();
  if (photos?.length) recognizePhotos(photos);
  else if (photos) page.note(words.sharedLost);
}

offerCamera();
watchConnection();
watchLeaving();
const listPeople = () => showPeople(element("known"), async () => {
  const reveal = () => (element("people").hidden = false); // only now, so that the examples do not push it down
  const { api, examples, worker } = await getConfig().finally(reveal);
  offerExamples(examples);
  if (worker) startShell().catch(() => {}); // the connection was lost: the page works without it
  return labels(api);
});

listPeople();
addEventListener("keyentered", () => {
  queue.retryFailed(({ needsKey }) => needsKey);
  listPeople();
});
