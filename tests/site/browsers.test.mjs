// Safari 15.4, Firefox 102 and Chromium 100 understand all of the website: nothing later is used without a replacement.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const SITE = new URL("../../site/", import.meta.url);
const files = readdirSync(SITE, { recursive: true }).map(String);
const read = (name) => readFileSync(new URL(name, SITE), "utf8");
const withoutComments = (text) => text.replace(/\/\*[^]*?\*\//g, "").replace(/(?<![:"'`])\/\/.*$/gm, "");

/** What came later, by how it is written. https://developer.mozilla.org says since when each browser has it. */
const LATER_SCRIPT = [
  [/\.(toSorted|toReversed|toSpliced|findLast|findLastIndex|fromAsync|withResolvers|groupBy)\(/, "functions of lists"],
  [/\b(AbortSignal\.(any|timeout)|throwIfAborted)\b/, "functions of AbortSignal"],
  [/\b(URL\.(canParse|parse)|Promise\.try|RegExp\.escape|Iterator\.from|Intl\.(Segmenter|DurationFormat))\b/, "functions"],
  [/\.aria[A-Z]\w*\b/, "aria attributes as properties"],
  [/\.(inert|popover|showPicker|showPopover|checkVisibility|startViewTransition|requestVideoFrameCallback)\b/, "elements"],
  [/\brequestIdleCallback\b/, "requestIdleCallback"],
  [/\bstatic \{/, "static blocks"],
  [/\(\?<[=!]/, "looking behind in expressions"],
  [/\bimport\b[^;]*\bwith \{/, "import attributes"],
  [/\/[dgimsuy]*v[dgimsuy]*[.,;)]/, "sets in expressions"],
];

/** Where a replacement stands beside it. */
const REPLACED = [["assets/shrink.js", "OffscreenCanvas"], ["assets/photo.js", "OffscreenCanvas"], ["assets/share.js", "roundRect"]];

for (const name of files.filter((file) => file.endsWith(".js"))) {
  test(`${name} uses nothing that a supported browser doesn't have`, () => {
    const text = withoutComments(read(name));
    for (const [pattern, what] of LATER_SCRIPT) assert.doesNotMatch(text, pattern, what);
    for (const [, word] of REPLACED) {
      if (!REPLACED.some(([file, allowed]) => file === name && allowed === word)) assert.doesNotMatch(text, new RegExp(word));
    }
  });
}

/** The declarations and selectors of a style sheet that stand outside @supports. */
function unconditional(css) {
  return withoutComments(css).replace(/@supports[^{]*\{([^{}]*\{[^{}]*\})*[^{}]*\}/g, "");
}

const LATER_STYLE = [
  [/color-mix\(|light-dark\(|oklch\(|oklab\(|rgb\(from /, "colors"],
  [/(^|[\s;{])(rotate|scale|translate)\s*:/, "single transforms"],
  [/\((width|height)\s*[<>]/, "ranges in media queries"],
  [/@layer|@scope|@starting-style|@property|@view-transition/, "rules"],
  [/(^|[{};])\s*&/, "nesting"],
  [/\b(subgrid|field-sizing|interpolate-size|anchor-name|offset-path|animation-timeline)\b/, "layout"],
];

for (const name of files.filter((file) => file.endsWith(".css"))) {
  test(`${name} uses nothing that a supported browser doesn't have`, () => {
    const css = unconditional(read(name));
    for (const [pattern, what] of LATER_STYLE) assert.doesNotMatch(css, pattern, what);
  });

  test(`${name} has a height that every browser knows before one of the visible part of the screen`, () => {
    const declarations = unconditional(read(name)).split(/[;{}]/).map((text) => text.trim());
    declarations.forEach((declaration, index) => {
      if (!/\d(s|d|l)v[hw]\b/.test(declaration)) return;
      assert.doesNotMatch(declaration, /var\(/, "a declaration with var() is never skipped");
      assert.equal(declarations[index - 1], declaration.replace(/(\d)[sdl](v[hw])\b/g, "$1$2"));
    });
  });

  test(`${name} keeps :has() out of lists of selectors, which it would make invalid as a whole`, () => {
    const selectors = unconditional(read(name)).match(/[^{};]+(?=\{)/g).filter((selector) => selector.includes(":has("));
    for (const selector of selectors) assert.doesNotMatch(selector, /,/);
  });
}
