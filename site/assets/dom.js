// Makes elements; the only place that does.

/**
 * @param {string} tag
 * @param {Record<string, any>} [properties]  `class`, `style` (custom properties), on… listeners, and attributes; null leaves one out
 * @param {...(Node | string | null | undefined | false)} children
 */
export function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, css] of Object.entries(value)) made.style.setProperty(key, css);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}
