// The words of the page: every language has all of them, index.html has the English ones, and which language is chosen.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

import { formats } from "../../site/assets/formats.js";

const FOLDER = new URL("../../site/assets/", import.meta.url);
const PAGES = ["index.html", "owner.html"].map((name) => [name, readFileSync(new URL(`../${name}`, FOLDER), "utf8")]);
const CHOOSE = readFileSync(new URL("language.js", FOLDER), "utf8");
const NAMES = readdirSync(new URL("words/advice/", FOLDER)).map((file) => file.replace(".js", ""));

/** A language's words by their path, such as "failures.no-face.0"; those of the owner's page are among them. */
async function wordsOf(name, format = formats(name)) {
  const modules = await Promise.all([`words/${name}.js`, `words/owner/${name}.js`].map((path) => import(new URL(path, FOLDER))));
  const parts = modules.map(({ default: wordsWith }) => wordsWith(format));
  const shared = Object.keys(parts[0]).filter((key) => key in parts[1]);
  assert.deepEqual(shared, [], "one name would replace the other on the owner's page");
  return new Map(parts.flatMap((part) => flat(part)));
}

function flat(value, path = []) {
  if (typeof value !== "object") return [[path.join("."), value]];
  return Object.entries(value).flatMap(([key, inner]) => flat(inner, [...path, key]));
}

const LANGUAGES = new Map(await Promise.all(NAMES.map(async (name) => [name, await wordsOf(name)])));
const ENGLISH = LANGUAGES.get("en");
const OTHERS = NAMES.filter((name) => name !== "en");

/** Names and signs that are the same in another language. A function is compared by what it returns. */
const SAME = new Set(["fileOfKind", "pixels", "steps.total"]);

/** The words for these values of a function's parameters; `list` and the like get values of their type. */
const say = (words, values) => flat((typeof words === "function" ? words(...values) : words) ?? "").map(([, text]) => text).join(" ");

const parameters = (words) => (typeof words === "function" ? String(words).match(/^\(([^)]*)\)/)[1].split(", ") : []);

/** Values for parameters by name; those of the second kind are others. */
const TEXTS = { result: ["Ada", "Grace"], file: ["a.jpg", "b.pdf"], kind: ["one", "two"], version: ["3f9c", "77aa"], name: ["Ada", "Grace"], date: ["1 May", "2 May"] };
const valuesOf = (name) => TEXTS[name] ?? (name === "files" ? [["a"], ["b"]] : name === "share" ? [0.25, 0.5] : [11_000_000, 27_000_000]);

test("every language has its sentences", () => {
  const files = readdirSync(new URL("words/", FOLDER)).filter((file) => file.endsWith(".js"));
  assert.deepEqual(files, NAMES.map((name) => `${name}.js`));
});

for (const name of OTHERS) {
  const words = LANGUAGES.get(name);

  for (const folder of ["advice", "camera", "key"]) {
    test(`${name} has its own sentences in ${folder}/`, async () => {
      const wordsIn = async (language) => (await import(new URL(`words/${folder}/${language}.js`, FOLDER))).default;
      const [english, words] = [await wordsIn("en"), await wordsIn(name)];
      assert.deepEqual(Object.keys(words), Object.keys(english));
      for (const key of Object.keys(english)) assert.notEqual(words[key], english[key]);
    });
  }

  test(`${name} has the same words as English, and no others`, () => {
    assert.deepEqual([...words.keys()], [...ENGLISH.keys()]);
  });

  test(`${name} takes the same values as English`, () => {
    for (const [key, english] of ENGLISH) assert.deepEqual(parameters(words.get(key)), parameters(english), key);
  });

  test(`${name} is translated`, () => {
    for (const [key, english] of ENGLISH) {
      const values = parameters(english).map((parameter) => valuesOf(parameter)[0]);
      const [one, other] = [say(english, values), say(words.get(key), values)];
      assert.ok(SAME.has(key.split(".").slice(0, 2).join(".")) || one !== other, `${key}: ${other}`);
    }
  });
}

for (const [name, words] of LANGUAGES) {
  test(`${name} shows every value that it is given`, () => {
    for (const [key, sentence] of words) {
      const all = parameters(sentence).map(valuesOf);
      const first = say(sentence, all.map(([value]) => value));
      for (const [index] of all.entries()) {
        const changed = all.map(([one, other], place) => (place === index ? other : one));
        assert.notEqual(say(sentence, changed), first, `${key} leaves out its value ${index + 1}`);
      }
      assert.doesNotMatch(first, /undefined|\[object|NaN|^$/, key);
    }
  });

  test(`${name} has a form for every count`, () => {
    for (const [key, sentence] of words) {
      if (!parameters(sentence).length || parameters(sentence).some((parameter) => valuesOf(parameter)[0] !== 11_000_000)) continue;
      for (const count of [0, 1, 2, 3, 11, 20, 100, 101, 102, 103, 111, 1_000_000]) {
        assert.doesNotMatch(say(sentence, parameters(sentence).map(() => count)), /undefined|NaN/, `${key}(${count})`);
      }
    }
  });
}

test("Arabic has its own form for one, two, a few and many", async () => {
  const words = await wordsOf("ar", formats("ar-u-nu-latn"));
  const people = [1, 2, 3, 11, 100].map(words.get("peopleKnown"));
  assert.deepEqual(people, ["أعرف شخصًا واحدًا.", "أعرف شخصين.", "أعرف 3 أشخاص.", "أعرف 11 شخصًا.", "أعرف 100 شخص."]);
});

for (const [page, html] of PAGES) {
  test(`${page} has the English words`, () => {
    const texts = [...html.matchAll(/data-words="(\w+)"[^>]*>([^<]*)</g)];
    const attributes = [...html.matchAll(/data-words-([a-z-]+)="(\w+)"[^>]* \1="([^"]*)"/g)].map(([, , key, text]) => [, key, text]);
    assert.equal(texts.length + attributes.length, html.match(/data-words/g).length);
    for (const [, key, text] of [...texts, ...attributes]) assert.equal(text, ENGLISH.get(key), key);
  });

  test(`all text of ${page} has words in every language`, () => {
    const body = html.slice(html.indexOf("<body")).replace(/<(nav class="languages"|noscript)[^]*?<\/(nav|noscript)>/g, "");
    const alone = [...body.matchAll(/<(?![^>]*data-words=)[^>]*>([^<]*\w[^<]*)/g)].map(([, text]) => text.trim());
    assert.deepEqual(alone, ["Visage"]);
    assert.doesNotMatch(body, /<(?![^>]*data-words-aria-label)[^>]* aria-label=/);
  });

  test(`every language can be chosen at the foot of ${page}`, () => {
    const offered = [...html.matchAll(/href="\?lang=(\w+)" lang="\1"/g)].map(([, name]) => name);
    assert.deepEqual(offered.sort(), [...NAMES].sort());
  });
}

test("names are sorted as the visitor's language does, and numbers in them by their value", () => {
  const sorted = (locale, names) => [...names].sort(formats(locale).compare);
  assert.deepEqual(sorted("en", ["Person 10", "Person 2", "person 1"]), ["person 1", "Person 2", "Person 10"]);
  assert.deepEqual(sorted("es", ["ñandú", "nube", "oso"]), ["nube", "ñandú", "oso"]);
  assert.deepEqual(sorted("ar", ["شخص ١٠", "شخص ٢"]), ["شخص ٢", "شخص ١٠"]);
});

test("a small share, a size and a duration have one digit after the point", () => {
  const { percent, megabytes, milliseconds } = formats("es");
  assert.deepEqual([percent(0.0123), megabytes(7_340_000), milliseconds(8.13), milliseconds(103.2)], ["1,2\u00a0%", "7,3 MB", "8,1 ms", "103 ms"]);
});

/** The language that a browser gets: its languages, the address's ?lang, and the tab's storage. */
function chosen(languages, { search = "", stored, storage = true } = {}) {
  const root = { dataset: {} };
  const kept = new Map(stored ? [["language", stored]] : []);
  const sessionStorage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  const link = {};
  const page = { documentElement: root, head: { append() {} }, createElement: () => link, currentScript: { src: "https://x/1/language.js", dataset: {} } };
  const blocked = { get sessionStorage() { throw new Error("SecurityError"); } };
  const window = { navigator: { languages }, location: { search }, URLSearchParams, document: page };
  runInNewContext(CHOOSE, storage ? { ...window, sessionStorage } : Object.assign(blocked, window));
  return { ...root, loading: root.dataset.words === "loading", preload: link.href, kept: kept.get("language") };
}

for (const [languages, lang] of [
  [["es-MX", "en"], "es"], [["hi-IN"], "hi"], [["AR"], "ar"], [["fr", "pt-BR", "ar-MA", "es"], "ar"], [["fr-FR"], "en"], [["est"], "en"],
  [["en-US@posix"], "en"], [[], "en"],
]) {
  test(`a visitor who reads ${languages.join(", ") || "nothing"} gets ${lang}`, () => assert.equal(chosen(languages).lang, lang));
}

test("the language in the address is kept for the tab, and wins over all others", () => {
  assert.deepEqual(pick(chosen(["es"], { search: "?lang=hi", stored: "ar" })), ["hi", "hi"]);
  assert.deepEqual(pick(chosen(["es"], { stored: "ar" })), ["ar", "ar"]);
  assert.deepEqual(pick(chosen(["es"], { search: "?lang=tlh" })), ["es", undefined]);
  assert.deepEqual(pick(chosen(["es"], { search: "?lang=hi", storage: false })), ["hi", undefined]);
});

const pick = ({ lang, kept }) => [lang, kept];

test("only Arabic is written from right to left", () => {
  assert.deepEqual(["en", "es", "hi", "ar"].map((tag) => chosen([tag]).dir), ["ltr", "ltr", "ltr", "rtl"]);
});

test("only the chosen language is loaded, and index.html is hidden until it is there unless it is English", () => {
  const { preload, loading } = chosen(["hi"]);
  assert.deepEqual([preload, loading, chosen(["en"]).loading], ["https://x/1/words/hi.js", true, false]);
});
