// The entry point of the owner's page: signs the owner in, and shows the room that the address names.
import { access } from "../api.js";
import { loadConfig } from "../config.js";
import { addStylesheet, make } from "../dom.js";
import { interrupted } from "../failure.js";
import { cameraUnavailable } from "../has-camera.js";
import { watchInput, watchIntake } from "../intake.js";
import { sortFiles } from "../kind.js";
import { leftOut } from "../sentences.js";
import { words } from "../words.js";
import { AddRoom } from "./add.js";
import { listPeople } from "./api.js";
import { button, tell } from "./parts.js";
import { PeopleRoom } from "./people.js";
import { PersonRoom } from "./person.js";
import { ask } from "./question.js";
import { RecogniseRoom } from "./recognise.js";
import { Waiting, deliver, showWaiting } from "./waiting.js";
import { showOwnerWords } from "./words.js";

if (document.body.dataset.view === "old") throw new Error("This browser is too old for this page."); // old.js says so

await showOwnerWords();

const element = (id) => document.getElementById(id);

/** Address of the API, once it is known. */
let api = "";

/** @type {Record<string, {enter: (argument: string) => void, leave?: () => void, take?: (files: Blob[]) => void, retry?: () => void, hasWork?: boolean}>} */
let rooms = {};

/** The name of the room that is shown; empty while the owner is not signed in. */
let shown = "";

const waiting = new Waiting(tabStorage(), (correction) => deliver(api, correction));

function tabStorage() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

/** Asks for the key until the API takes one. */
async function signIn() {
  if (!access.key) return showDoor();
  try {
    api ||= (await loadConfig()).api;
    await listPeople(api, { limit: 1 });
  } catch (failure) {
    return showDoor(failure);
  }
  if (!rooms.people) makeRooms();
  element("door").hidden = true;
  for (const id of ["rooms", "sign-out"]) element(id).hidden = false;
  showRoom();
  for (const room of Object.values(rooms)) room.retry?.();
  waiting.send();
}

function makeRooms() {
  const goTo = (address) => (location.hash = address);
  const person = new PersonRoom(api, (sentence) => {
    goTo("#people");
    addEventListener("hashchange", () => rooms.people.say(sentence), { once: true });
  });
  const add = new AddRoom(api, (added, drafts) => {
    person.show(added, drafts);
    history.replaceState(null, "", `#person/${encodeURIComponent(added[0].person.id)}`);
    showRoom();
  });
  rooms = { people: new PeopleRoom(api), add, person, recognise: new RecogniseRoom(api, waiting) };
}

/** @param {Error & {needsKey?: boolean}} [failure]  why the owner is not let in */
async function showDoor(failure) {
  shown = "";
  for (const each of document.querySelectorAll(".room, #intake, #rooms, #sign-out")) each.hidden = true;
  document.body.dataset.view = "empty";
  document.title = `${words.doorTitle} – Visage`;
  element("door").hidden = false;
  tell(element("door-problem"), failure?.message ?? "", true);
  const place = element("key-place");
  if (failure && !failure.needsKey) return place.replaceChildren(button(words.tryAgain, signIn));
  const key = await import("../key.js").catch(() => null);
  if (key) await key.askForKey(place);
  else place.replaceChildren(make("p", {}, interrupted().message), button(words.tryAgain, () => showDoor(failure)));
  place.querySelector("input")?.focus();
}

/** Shows the room that the address names, and moves the focus to its title. */
function showRoom() {
  const [name, argument = ""] = location.hash.slice(1).split("/");
  const next = Object.hasOwn(rooms, name) && (name !== "person" || argument) ? name : "people";
  const isFirst = !shown;
  if (shown && shown !== next) rooms[shown].leave?.();
  shown = next;
  for (const room of document.querySelectorAll(".room")) room.hidden = room.id !== `room-${next}`;
  for (const link of document.querySelectorAll("#rooms a")) {
    if (link.hash === `#${next}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  element("intake").hidden = !rooms[next].take;
  document.querySelector(`.slot[data-room="${next}"]`)?.append(element("intake"));
  tell(element("note"), "");
  rooms[next].enter(decodeURIComponent(argument));
  const heading = document.querySelector(`#room-${next} h1`);
  document.title = `${heading.textContent} – Visage`;
  if (isFirst) return;
  heading.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** @param {File[]} files  @param {string[]} [folders]  names of folders, which are left out */
async function take(files, folders = []) {
  if (!shown) return;
  const { photos, others } = await sortFiles(files);
  if (photos.length && !rooms[shown].take) location.hash = "#add";
  const room = rooms[shown].take ? shown : "add";
  tell(element("note"), leftOut([...folders.map((name) => ({ name, kind: "folder" })), ...others]));
  if (photos.length) rooms[room].take(photos);
}

async function useCamera() {
  const style = addStylesheet(new URL("../camera.css", import.meta.url).href);
  const [camera] = await Promise.all([import("../camera.js"), style]).catch(() => []);
  if (!camera) return tell(element("note"), interrupted().message);
  if (element("camera").open) return; // the button was pressed twice
  const photo = await camera.takePhoto(element("camera"), null);
  if (photo) take([photo]);
}

function offerCamera() {
  const reason = cameraUnavailable();
  element("shoot").hidden = Boolean(reason);
  tell(element("no-camera"), matchMedia("(pointer: coarse)").matches ? "" : reason);
  element("shoot").addEventListener("click", useCamera);
}

function showKeysHelp() {
  for (const place of document.querySelectorAll(".keys-help")) {
    const command = (text) => make("p", {}, make("code", { dir: "ltr" }, text));
    place.replaceChildren(
      make("p", {}, words.keysMake),
      command("visage keys create owner --scope people --scope recognize --stage STAGE"),
      make("p", {}, words.keysRevoke),
      command("visage keys list --stage STAGE"),
      command("visage keys revoke ID --stage STAGE"),
    );
  }
}

/** Leaves nothing of the owner in this tab. */
async function signOut() {
  const { length } = waiting.items;
  if (length && !(await ask(words.signOutQuestion, [words.signOutLoses(length)], words.signOut))) return;
  waiting.items.forEach((correction) => waiting.drop(correction));
  tabStorage()?.removeItem("key");
  isLeaving = true;
  location.replace(location.pathname);
}

let isLeaving = false;

function watchConnection() {
  const showState = () => (element("offline").hidden = navigator.onLine);
  addEventListener("offline", showState);
  addEventListener("online", () => {
    showState();
    if (!shown) return;
    for (const room of Object.values(rooms)) room.retry?.();
    waiting.send();
  });
  showState();
}

showKeysHelp();
offerCamera();
watchConnection();
watchIntake(element("file"), take, () => tell(element("note"), words.nothingDropped));
watchInput(element("captured"), (files) => take(files));
element("sign-out").addEventListener("click", signOut);
addEventListener("hashchange", () => shown && showRoom());
addEventListener("keyentered", signIn);
addEventListener("keyneeded", ({ detail }) => showDoor(detail));
addEventListener("beforeunload", (event) => {
  const hasWork = waiting.wouldLose || Object.values(rooms).some((room) => room.hasWork);
  if (!hasWork || isLeaving) return;
  event.preventDefault();
  event.returnValue = ""; // for Chromium before 119
});
showWaiting(waiting, { section: element("waiting"), list: element("waiting-list") });
await waiting.restore();
signIn();
