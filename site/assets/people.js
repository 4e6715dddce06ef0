// Who the model knows, and how well.
import { make } from "./dom.js";
import { quality } from "./words.js";

/** So many names are read at a glance; the others come when they are asked for. */
const AT_A_GLANCE = 30;

/**
 * @param {HTMLElement} place
 * @param {() => Promise<import("./api.js").Labels>} ask
 */
export async function showPeople(place, ask) {
  place.ariaBusy = "true";
  try {
    place.replaceChildren(...known(await ask()));
  } catch (failure) {
    const again = make("button", { type: "button", class: "button quiet", onclick: () => showPeople(place, ask) }, "Ask again");
    place.replaceChildren(make("p", { class: "soft" }, failure.message), again);
  }
  place.ariaBusy = "false";
}

function known(labels) {
  const people = labels.people.toSorted((one, other) => one.label.localeCompare(other.label));
  const others = people.slice(AT_A_GLANCE);
  return [
    make("p", { class: "soft" }, people.length === 1 ? "One person." : `${people.length} people.`, " ", quality(labels).join(" ")),
    names(people.slice(0, AT_A_GLANCE)),
    others.length && make("details", {}, make("summary", {}, `And ${others.length} more`), names(others)),
    people.some((person) => person.enrolled) && make("p", { class: "fine" }, "A dashed border marks people who were added from a few photos, without training."),
    make("p", { class: "fine" }, `Model ${labels.model.version}`),
  ].filter(Boolean);
}

const names = (people) =>
  make("ul", { class: "names" }, ...people.map(({ label, enrolled }) => make("li", { class: enrolled ? "enrolled" : null, dir: "auto" }, label)));
