// The picture that the owner keeps of a person, beside the name. Loaded only where visitors may see such pictures.
import { access } from "./api.js";
import { loadConfig } from "./config.js";
import { make } from "./dom.js";

/** Pixels: as the API sends it. */
const SIDE = 160;

const { api } = await loadConfig();

/**
 * What the card of a face ends with.
 * @param {import("./types.js").Face} face
 * @returns {HTMLElement | false} the place of the picture, if the face is known
 */
export function extra(face) {
  const place = face.known && face.id && make("div");
  if (place) show(place, face.id).catch(() => {}); // the answer is complete without it
  return place;
}

async function show(place, id) {
  const headers = access.key ? { Authorization: `Bearer ${access.key}` } : {};
  const response = await fetch(`${api}/people/${id}/thumbnail`, { headers });
  if (!response.ok) return;
  const src = URL.createObjectURL(await response.blob());
  const onload = () => URL.revokeObjectURL(src);
  place.append(make("img", { src, onload, alt: "", width: SIDE, height: SIDE, class: "reference", style: { "border-radius": "0.5rem" } }));
}
