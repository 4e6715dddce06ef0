// The list of people that the model knows, and how well it recognises them.
import { keyPlace } from "./answer.js";
import { make } from "./dom.js";
import { quality } from "./sentences.js";
import { format, words } from "./words.js";

/** More names than this are behind a disclosure. */
const MAX_VISIBLE_NAMES = 30;

/**
 * @param {HTMLElement} container
 * @param {() => Promise<import("./types.js").Labels>} load
 */
export async function showPeople(container, load) {
  container.setAttribute("aria-busy", "true");
  try {
    container.replaceChildren(...peopleContent(await load()));
  } catch (failure) {
    const onclick = () => showPeople(container, load);
    const next = failure.needsKey ? keyPlace() : make("button", { type: "button", class: "button quiet", onclick }, words.loadAgain);
    container.replaceChildren(make("p", { class: "soft" }, failure.message), next);
  }
  container.setAttribute("aria-busy", "false");
}

function peopleContent(labels) {
  const people = [...labels.people].sort((one, other) => format.compare(one.label, other.label));
  const others = people.slice(MAX_VISIBLE_NAMES);
  return [
    make("p", { class: "soft" }, [words.peopleKnown(people.length), ...quality(labels)].join(" ")),
    names(people.slice(0, MAX_VISIBLE_NAMES)),
    others.length && make("details", {}, make("summary", {}, words.morePeople(others.length)), names(others)),
    people.some((person) => person.enrolled) && make("p", { class: "fine" }, words.dashedBorder),
    make("p", { class: "fine" }, words.model(labels.model.version)),
  ].filter(Boolean);
}

function names(people) {
  const name = ({ label, enrolled }) => make("li", { class: enrolled ? "enrolled" : null, dir: "auto" }, label);
  return make("ul", { class: "names" }, ...people.map(name));
}
