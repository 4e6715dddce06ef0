// The page's words in the visitor's language. language.js chose it; each language is a module in words/.
import { formats } from "./formats.js";

/** The sentences: strings, and functions of their values. Set by loadWords. @type {ReturnType<typeof import("./words/en.js").default>} */
export let words;

/** Numbers and lists in this language. Set by loadWords. @type {ReturnType<typeof formats>} */
export let format;

/** "en", "es", "hi" or "ar". Set by loadWords. */
export let language;

/** Whether this language is written from right to left. */
export const isFromRight = () => language === "ar";

/** @param {string} name  of a module in words/  @param {string} [locale]  the visitor's variety of this language */
export async function loadWords(name, locale = name) {
  const { default: wordsWith } = await import(`./words/${name}.js`);
  language = name;
  format = formats(locale);
  words = wordsWith(format);
}

/** Attributes of index.html that hold words. `data-words-…` beside the attribute names its words. */
const ATTRIBUTES = ["aria-label", "data-drop"];

/** Loads the language that language.js has chosen, and puts its words into the page. `more` adds others before. */
export async function showWords(more) {
  const root = document.documentElement;
  await loadWords(root.lang, localeOf(root.lang));
  await more?.();
  for (const element of document.querySelectorAll("body [data-words], title")) element.textContent = words[element.dataset.words];
  for (const name of ATTRIBUTES) {
    for (const element of document.querySelectorAll(`[data-words-${name}]`)) {
      element.setAttribute(name, words[element.getAttribute(`data-words-${name}`)]);
    }
  }
  document.querySelector(`.languages [lang="${root.lang}"]`).setAttribute("aria-current", "true");
  delete root.dataset.words;
}

/** The visitor's variety, for numbers: Mexico writes 98.3%, Spain 98,3 %. Some browsers report tags that are not valid. */
function localeOf(name) {
  const isVariety = (tag) => tag.split("-")[0] === name;
  try {
    return Intl.getCanonicalLocales(navigator.languages.find(isVariety))[0] ?? name;
  } catch {
    return name;
  }
}
