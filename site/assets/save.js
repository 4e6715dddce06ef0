// Saves the results of all photos as a file: CSV for spreadsheets, JSON for programs. Names of columns and states are
// in English in every language, so that programs can read them.
import { originalAnswer } from "./queue.js";
import { isKnown } from "./sentences.js";
import { download } from "./share.js";

/** @typedef {import("./queue.js").Item} Item */

const COLUMNS = ["file", "result", "face", "name", "confidence", "left", "top", "width", "height", "photo_width", "photo_height", "reason"];

/** Excel takes a file without it for one in the computer's old encoding. */
const BYTE_ORDER_MARK = "\ufeff";

/** A spreadsheet runs a cell that begins like this as a formula (OWASP, CSV injection). */
const FORMULA = /^[\s]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;

/** @param {Item[]} items */
export const csv = (items) => download(new File([csvOf(items)], "who-is-this.csv", { type: "text/csv" }));

/** @param {Item[]} items */
export const json = (items) => download(new File([jsonOf(items)], "who-is-this.json", { type: "application/json" }));

/**
 * @param {Item[]} items
 * @returns {string} CSV as RFC 4180 describes it: a row for each face, or for a photo without faces
 */
export function csvOf(items) {
  const rows = [COLUMNS, ...items.flatMap(rowsOf)];
  return BYTE_ORDER_MARK + rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** @param {Item[]} items  @returns {string} */
export const jsonOf = (items) => JSON.stringify(items.map(resultOf), null, 2);

function resultOf(item) {
  const { file, state, failure } = item;
  const answer = originalAnswer(item);
  return {
    file: file?.name ?? "",
    state,
    ...(failure && { failure: { type: failure.type, reason: failure.message } }),
    ...(answer && { image: answer.image, model: answer.model, faces: answer.faces.map(faceOf) }),
  };
}

const faceOf = (face) =>
  isKnown(face) ? { box: face.box, known: true, name: face.label, confidence: face.probability } : { box: face.box, known: false };

function rowsOf(item) {
  const { file, state, failure, image, faces = [] } = resultOf(item);
  if (!faces.length) return [[file, state, "", "", "", "", "", "", "", "", "", failure?.reason ?? ""]];
  return faces.map(({ box, known, name = "", confidence = "" }, index) => {
    const { left, top, width, height } = box;
    return [file, known ? "known" : "not known", index + 1, name, confidence, left, top, width, height, image.width, image.height, ""];
  });
}

/** Numbers stay numbers, also negative ones: only text can hold a formula. */
function cell(value) {
  if (typeof value === "number") return String(value);
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
