// Creates elements, and loads style sheets that few visitors need.

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

/**
 * @param {string} address
 * @returns {Promise<void>} resolves when the style sheet is in use, at once if it already is
 * @throws {Event} if it can't be loaded
 */
export function addStylesheet(address) {
  if ([...document.styleSheets].some(({ href }) => href === address)) return Promise.resolve();
  const link = make("link", { rel: "stylesheet", href: address });
  return new Promise((resolve, reject) => {
    link.addEventListener("load", () => resolve());
    link.addEventListener("error", (event) => {
      link.remove();
      reject(event);
    });
    document.head.append(link);
  });
}
