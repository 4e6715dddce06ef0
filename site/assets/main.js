// Wires the page up: photos come in, the queue sends them, the page shows what becomes of them.
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

/** Where the API is, and what examples there are: read once; after a failure, again when it is next needed. */
let config;

async function configured() {
  config ??= await loadConfig();
  return config;
}

const queue = new Queue({
  prepare,
  recognize: async (blob, options) => recognize((await configured()).api, blob, options),
});

const page = new Page((item) => ({
  api: config?.api,
  cancel: () => queue.cancel(item),
  retry: () => queue.retry(item),
  aligned: (number) => alignedFace(config.api, item.sent, number),
}));

/** @param {Blob[]} files */
function take(files) {
  queue.replace(files);
  page.show(queue.items);
}

queue.addEventListener("change", ({ detail }) => page.update(detail));
watchIntake(element("file"), take);
element("captured").addEventListener("change", ({ target }) => {
  take([...target.files]);
  target.value = "";
});

async function shoot() {
  const photo = await takePhoto(element("camera"));
  if (photo) take([photo]);
}

/** A phone's own camera app can be asked too, even where this page may not have the camera. */
function offerCamera() {
  const why = cameraUnavailable();
  const phone = matchMedia("(pointer: coarse)").matches;
  element("shoot").hidden = Boolean(why);
  element("capture").hidden = !phone;
  element("no-camera").hidden = !why || phone;
  element("no-camera").textContent = why;
  element("shoot").addEventListener("click", shoot);
}

function offerExamples(addresses) {
  const offer = (address, index) => {
    const picture = make("img", { src: address, alt: "", loading: "lazy", width: 96, height: 96 });
    return make("li", {}, make("button", { type: "button", "aria-label": `Example ${index + 1}`, onclick: () => takeExample(address) }, picture));
  };
  element("examples").hidden = !addresses.length;
  element("examples").querySelector("ul").replaceChildren(...addresses.map(offer));
}

async function takeExample(address) {
  const photo = await fetch(address).then((response) => (response.ok ? response.blob() : null)).catch(() => null);
  if (photo) return take([photo]);
  queue.refuse(unreadableFile());
  page.show(queue.items);
}

function watchConnection() {
  const tell = () => (element("offline").hidden = navigator.onLine);
  addEventListener("offline", tell);
  addEventListener("online", () => {
    tell();
    queue.reconnect();
  });
  tell();
}

offerCamera();
watchConnection();
showPeople(element("known"), async () => {
  const { api, examples } = await configured();
  offerExamples(examples);
  return labels(api);
});
