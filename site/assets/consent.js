// The line that visitors tick before a photo is sent or the camera starts, where the owner wants that.

const KEY = "agreed";

/** The tick is kept for this tab, with the sentence: a changed sentence is asked for again. */
const storage = {
  get: () => attempt(() => sessionStorage.getItem(KEY)),
  set: (sentence) => attempt(() => (sentence ? sessionStorage.setItem(KEY, sentence) : sessionStorage.removeItem(KEY))),
};

export class Consent {
  #box;
  #line;
  /** Continues what the visitor wanted last. */
  #resume = () => {};

  /** @param {HTMLElement} line  hidden if the owner wants no consent */
  constructor(line) {
    this.#line = line;
    this.#box = line.querySelector("input");
    if (line.hidden) return;
    const sentence = line.querySelector("#agreement").textContent;
    this.#box.checked = storage.get() === sentence;
    this.#box.addEventListener("change", () => {
      storage.set(this.#box.checked && sentence);
      if (this.#box.checked) this.#resume();
    });
  }

  /** @returns {boolean} */
  get given() {
    return this.#line.hidden || this.#box.checked;
  }

  /** Leads the visitor to the line. @returns {Promise<void>} resolves when it is ticked; never if it is asked for again */
  ask() {
    if (this.given) return Promise.resolve();
    this.#box.focus();
    this.#line.scrollIntoView({ block: "nearest" });
    return new Promise((resolve) => (this.#resume = resolve));
  }
}

/** A browser that blocks storage throws. */
function attempt(action) {
  try {
    return action();
  } catch {
    return null;
  }
}
