// Asks the owner before something is done that can't be undone.
import { make } from "../dom.js";
import { words } from "../words.js";
import { button } from "./parts.js";

/**
 * @param {string} title
 * @param {string[]} sentences  the consequences
 * @param {string} action  what the button says
 * @returns {Promise<boolean>} whether the owner wants it
 */
export function ask(title, sentences, action) {
  const dialog = document.getElementById("question");
  const close = (answer) => () => dialog.close(answer);
  dialog.returnValue = "";
  dialog.replaceChildren(
    make("h2", { id: "question-title" }, title),
    ...sentences.map((sentence) => make("p", {}, sentence)),
    make("div", { class: "choices" }, button(words.cancel, close("")), button(action, close("yes"), "button danger")),
  );
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });
}
