/** The page of `visage sort --page`: shows people with their faces, and sends what their owner decides. */

const FIRST_FACES = 12;

const at = (id) => document.getElementById(id);
const plural = (count, noun, nouns = `${noun}s`) => `${count} ${count === 1 ? noun : nouns}`;

let state = null;
let busy = false;
const chosen = new Map(); // by key: the face
const opened = new Set(); // people of whom all faces are shown
let dragged = null;

const keyOf = (face) => `${face.photo}/${face.face}`;
const person = (number) => state.people.find((one) => one.number === number);

/** Return a new element with attributes and children. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function say(text) {
  at("said").textContent = text;
}

function warn(text) {
  at("notice").textContent = text;
  at("notice").hidden = !text;
}

/** Ask the server, and show what it answers: the people as they are then, or why it did nothing. */
async function change(what, done) {
  if (busy) return;
  busy = true;
  say("Saving …");
  try {
    const answer = await fetch("changes", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ changes: state.changes, ...what }),
    });
    const content = await answer.json();
    if (answer.ok) {
      state = content;
      chosen.clear();
      warn("");
      say(done);
    } else {
      state = content.now ?? state;
      warn(content.detail);
      say("Nothing was changed.");
    }
  } catch {
    warn("The server does not answer. Start visage sort --page again; what was saved stays.");
    say("Nothing was changed.");
  }
  busy = false;
  show();
}

const titled = (number) => person(number)?.title ?? "";

function merge(one, other) {
  if (one !== other) change({ do: "merge", people: [one, other] }, `${titled(other)} and ${titled(one)} are one person now.`);
}

function tellApart(one, other) {
  change({ do: "apart", people: [one, other] }, `${titled(one)} and ${titled(other)} are two people.`);
}

function move(faces, to) {
  const where = to === "new" ? "a new person" : to === "nobody" ? "nobody" : titled(to);
  const list = faces.map((face) => [face.photo, face.face]);
  change({ do: "move", faces: list, to }, `${plural(faces.length, "face")} went to ${where}.`);
}

function rename(number, name) {
  if ((person(number)?.name ?? "") === name.trim()) return;
  change({ do: "name", person: number, name }, name.trim() ? `Named ${name.trim()}.` : "The name was removed.");
}

/* Faces */

function faceButton(face, whose) {
  const key = keyOf(face);
  const image = element("img", { src: `faces/${face.picture}`, alt: "", loading: "lazy", draggable: "false" });
  return element(
    "button",
    {
      type: "button",
      class: "face",
      id: `face-${key}`,
      draggable: "true",
      title: face.photo,
      "aria-pressed": String(chosen.has(key)),
      "aria-label": `Face of ${whose} in ${face.photo}`,
      onclick: () => choose(face),
      ondragstart: (event) => startDrag(event, { faces: chosen.has(key) ? [...chosen.values()] : [face] }),
      ondragend: endDrag,
    },
    image,
  );
}

function choose(face) {
  const key = keyOf(face);
  if (!chosen.delete(key)) chosen.set(key, face);
  at(`face-${key}`).setAttribute("aria-pressed", String(chosen.has(key)));
  say(chosen.size ? `${plural(chosen.size, "face")} chosen.` : "");
  showTools();
}

function facesOf(faces, whose, name) {
  const all = opened.has(name) ? faces : faces.slice(0, FIRST_FACES);
  return all.map((face) => faceButton(face, whose));
}

function more(faces, name) {
  const rest = faces.length - FIRST_FACES;
  if (rest <= 0) return [];
  const text = opened.has(name) ? "Show fewer" : `Show ${rest} more`;
  const toggle = () => {
    if (!opened.delete(name)) opened.add(name);
    show();
  };
  return [element("button", { type: "button", class: "link", id: `more-${name}`, onclick: toggle }, text)];
}

/* Dragging */

function startDrag(event, what) {
  dragged = what;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", "visage"); // Firefox drags nothing without
  if (what.faces) for (const id of ["drop-new", "drop-nobody"]) at(id).hidden = false;
}

function endDrag() {
  dragged = null;
  for (const id of ["drop-new", "drop-nobody"]) at(id).hidden = true;
  for (const over of document.querySelectorAll(".over")) over.classList.remove("over");
}

/** Let something be dropped on an element: `to` is a person's number, "new" or "nobody". */
function takeDrops(target, to) {
  const fits = () => dragged && (dragged.faces || (typeof to === "number" && dragged.person !== to));
  target.addEventListener("dragover", (event) => {
    if (!fits()) return;
    event.preventDefault();
    target.classList.add("over");
  });
  target.addEventListener("dragleave", (event) => {
    if (!target.contains(event.relatedTarget)) target.classList.remove("over");
  });
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    const what = dragged;
    if (!fits()) return;
    endDrag();
    if (what.faces) move(what.faces, to);
    else merge(to, what.person);
  });
}

/* People */

function card(one) {
  const name = element("input", {
    id: `name-${one.number}`,
    value: one.name ?? "",
    placeholder: one.title,
    "aria-label": `Name of ${one.title}`,
    autocomplete: "off",
    maxlength: "120",
    onchange: (event) => rename(one.number, event.target.value),
    onkeydown: (event) => {
      if (event.key === "Escape") event.target.value = one.name ?? "";
    },
  });
  const other = element(
    "select",
    {
      id: `merge-${one.number}`,
      "aria-label": `Who else is ${one.title}?`,
      onchange: (event) => merge(Number(event.target.value), one.number),
    },
    element("option", { value: "" }, "Is also …"),
    ...state.people.filter((each) => each !== one).map((each) => element("option", { value: each.number }, each.title)),
  );
  const head = element(
    "div",
    {
      class: "head",
      draggable: "true",
      ondragstart: (event) => {
        if (event.target === head) startDrag(event, { person: one.number });
      },
      ondragend: endDrag,
    },
    element("span", { class: "grip", "aria-hidden": "true" }, "⋮⋮"),
    name,
    element("span", { class: "count" }, `${one.number} · ${plural(one.photos, "photo")}`),
  );
  const made = element(
    "section",
    { class: "card", id: `person-${one.number}`, "aria-label": one.title },
    head,
    element("div", { class: "faces" }, ...facesOf(one.faces, one.title, one.number)),
    element("div", { class: "head" }, ...more(one.faces, one.number), ...(state.people.length > 1 ? [other] : [])),
  );
  takeDrops(made, one.number);
  return made;
}

function pair([one, other]) {
  const sample = (who) =>
    element(
      "div",
      { class: "faces" },
      ...who.faces.slice(0, 3).map((face) => element("span", { class: "face" }, element("img", { src: `faces/${face.picture}`, alt: "" }))),
    );
  const names = `${titled(one)} and ${titled(other)}`;
  return element(
    "li",
    {},
    element("span", {}, names),
    sample(person(one)),
    sample(person(other)),
    element("button", { type: "button", class: "button", id: `same-${one}-${other}`, onclick: () => merge(one, other) }, "One person"),
    element("button", { type: "button", class: "link", id: `other-${one}-${other}`, onclick: () => tellApart(one, other) }, "Two people"),
  );
}

function showTools() {
  at("chosen-tools").hidden = !chosen.size;
  at("undo").hidden = !state.undo || chosen.size > 0;
}

/** Show the state. The element that has the focus keeps it, if there still is one like it. */
function show() {
  const focused = document.activeElement?.id;
  const pairs = state.alike.filter(([one, other]) => person(one) && person(other));
  at("alike").hidden = !pairs.length;
  at("pairs").replaceChildren(...pairs.slice(0, 3).map(pair));
  at("people").replaceChildren(...state.people.map(card));
  at("empty").hidden = state.people.length > 0;
  at("nobody").hidden = !state.nobody.length;
  at("nobody-count").textContent = plural(state.nobody.length, "face");
  at("nobody-faces").replaceChildren(...facesOf(state.nobody, "nobody", "nobody"));
  const [toggle] = more(state.nobody, "nobody");
  at("nobody-more").replaceChildren(...(toggle ? toggle.childNodes : []));
  at("nobody-more").hidden = !toggle;
  at("target").replaceChildren(
    element("option", { value: "new" }, "a new person"),
    element("option", { value: "nobody" }, "nobody"),
    ...state.people.map((one) => element("option", { value: one.number }, one.title)),
  );
  showTools();
  if (focused) at(focused)?.focus({ preventScroll: true });
}

at("move").addEventListener("click", () => {
  const to = at("target").value;
  move([...chosen.values()], to === "new" || to === "nobody" ? to : Number(to));
});
at("clear").addEventListener("click", () => {
  chosen.clear();
  say("");
  show();
});
at("undo").addEventListener("click", () => change({ do: "undo" }, "Undone."));
at("nobody-more").addEventListener("click", () => {
  if (!opened.delete("nobody")) opened.add("nobody");
  show();
});
takeDrops(at("drop-new"), "new");
takeDrops(at("drop-nobody"), "nobody");
takeDrops(at("nobody"), "nobody");

try {
  state = await (await fetch("people")).json();
  warn(state.remarks.join(" "));
  say(`${plural(state.people.length, "person", "people")}. ${plural(state.nobody.length, "face")} of nobody.`);
  show();
} catch {
  warn("The server does not answer. Start visage sort --page again.");
}
