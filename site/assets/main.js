// The entry point: connects the photos that come in, the queue that sends them, and the page that shows the results.
import { alignedFace, labels, recognize } from "./api.js";
import { cameraUnavailable, takePhoto } from "./camera.js";
import { loadConfig } from "./config.js";
import { make } from "./dom.js";
import { unreadableFile } from "./failure.js";
import { watchIntake } from "./intake.js";
import { Page } from "./page.js";
import { showPeople } from "./people.js";
import { prepare } from "./photo.js";
import { Queue } from "./queue.js";

const element = (id) => document.getElementById(id);

/** Loaded once. After a failure it is loaded again when it is needed next. @type {import("./config.js").Config} */
let config;

async function getConfig() {
  config ??= await loadConfig();
  return config;
}

const queue = new Queue({
  prepare,
  recognize: async (blob, options) => recognize((await getConfig()).api, blob, options),
});

const page = new Page((item) => ({
  api: config?.api,
  cancel: () => queue.cancel(item),
  retry: () => queue.retry(item),
  alignedFace: (number) => alignedFace(config.api, item.sent, number),
}));

/** @param {Blob[]} files */
function recognizePhotos(files) {
  queue.replace(files);
  page.show(queue.items);
}

queue.addEventListener("change", ({ detail }) => page.update(detail));
watchIntake(element("file"), recognizePhotos);
element("captured").addEventListener("change", ({ target }) => {
  recognizePhotos([...target.files]);
  target.value = "";
});

async function useCamera() {
  const photo = await takePhoto(element("camera"));
  if (photo) recognizePhotos([photo]);
}

/** A phone also offers its camera app, which works even where this page may not use the camera. */
function offerCamera() {
  const reason = cameraUnavailable();
  const isPhone = matchMedia("(pointer: coarse)").matches;
  element("shoot").hidden = Boolean(reason);
  element("capture").hidden = !isPhone;
  element("no-camera").hidden = !reason || isPhone;
  element("no-camera").textContent = reason;
  element("shoot").addEventListener("click", useCamera);
}

function offerExamples(addresses) {
  const entry = (address, index) => {
    const picture = make("img", { src: address, alt: "", loading: "lazy", width: 96, height: 96 });
    const onclick = () => recognizeExample(address);
    return make("li", {}, make("button", { type: "button", "aria-label": `Example ${index + 1}`, onclick }, picture));
  };
  element("examples").hidden = !addresses.length;
  element("examples").querySelector("ul").replaceChildren(...addresses.map(entry));
}

async function recognizeExample(address) {
  const photo = await fetch(address).then((response) => (response.ok ? response.blob() : null)).catch(() => null);
  if (photo) return recognizePhotos([photo]);
  queue.fail(unreadableFile());
  page.show(queue.items);
}

function watchConnection() {
  const showState = () => (element("offline").hidden = navigator.onLine);
  addEventListener("offline", showState);
  addEventListener("online", () => {
    showState();
    queue.reconnect();
  });
  showState();
}

offerCamera();
watchConnection();
showPeople(element("known"), async () => {
  const { api, examples } = await getConfig();
  offerExamples(examples);
  return labels(api);
});
