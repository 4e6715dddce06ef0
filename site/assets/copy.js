// Copies an answer as text.

/** @param {string} api  @param {boolean} hasKey  `ps` must not show the key  @returns {string} a command that sends a photo to it */
export const curl = (api, hasKey) =>
  `${hasKey ? 'echo "Authorization: Bearer $VISAGE_KEY" | curl -H @-' : "curl"} -F image=@photo.jpg ${api}/recognize`;

/** @param {string} text  @throws {Error} if the browser does not allow it */
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Without https there is no navigator.clipboard.
  const area = document.createElement("textarea");
  const focused = document.activeElement;
  area.value = text;
  area.className = "offscreen";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused?.focus();
  if (!copied) throw new Error("not copied");
}
