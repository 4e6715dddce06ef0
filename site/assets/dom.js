// Creates elements.

/**
 * @param {string} tag
 * @param {Record<string, any>} [properties]  attributes, on… listeners, and `style` (CSS properties);
 *   null and false are left out
 * @param {...(Node | string | null | undefined | false)} children  null, undefined and false are left out
 * @returns {HTMLElement}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, css] of Object.entries(value)) element.style.setProperty(key, css);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}
