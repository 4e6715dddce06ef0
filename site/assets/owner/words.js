// The words of the owner's page, which are added to those of the visitor's page.
import { format, language, showWords, words } from "../words.js";

/** Why a face is hard to recognise: the API's words for it are the keys. @type {Record<string, string>} */
export let faceAdvice;

/** @type {(date: string) => string} writes a date, given as YYYY-MM-DD or as a time of RFC 3339 */
export let dateOf;

/** Puts the words in the visitor's language into the page. `words` has those of this page too. */
export function showOwnerWords() {
  return showWords(async () => {
    const [own, advice] = await Promise.all([import(`../words/owner/${language}.js`), import(`../words/advice/${language}.js`)]);
    Object.assign(words, own.default(format));
    faceAdvice = advice.default;
    const { format: write } = new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" });
    dateOf = (date) => write(new Date(date));
  });
}
