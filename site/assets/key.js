// The place to enter a key for the API. Few websites need it, so it is loaded when the API asks for one.
import { access } from "./api.js";
import { addStylesheet, make } from "./dom.js";
import { language } from "./words.js";

const { default: words } = await import(`./words/key/${language}.js`);

/** What a header may hold. Every key is such a word. */
const KEY = /^[\x21-\x7e]+$/;

/**
 * Shows the form in this place. When a key is entered, the tab keeps it, and the window gets the event "keyentered".
 * @param {HTMLElement} place
 */
export async function askForKey(place) {
  const input = make("input", { type: "password", autocomplete: "off", spellcheck: "false", required: true, dir: "ltr" });
  const wrong = make("p", { class: "fine", role: "alert" });
  const onsubmit = (event) => {
    event.preventDefault();
    const key = input.value.trim();
    if (KEY.test(key)) enter(key);
    else wrong.textContent = words.malformed;
  };
  const label = make("label", {}, make("span", {}, words.label), input);
  const button = make("button", { class: "button quiet" }, words.use);
  const form = make("form", { class: "key", onsubmit }, label, button, wrong, make("p", { class: "fine" }, words.kept));
  await addStylesheet(new URL("key.css", import.meta.url).href).catch(() => {}); // without it, the form works too
  place.replaceChildren(form);
}

function enter(key) {
  access.key = key;
  try {
    sessionStorage.setItem("key", key);
  } catch {
    // A browser that blocks storage: the page itself keeps the key until it is left.
  }
  dispatchEvent(new Event("keyentered"));
}
