// The words of the place to enter a key, in English.
export default {
  label: "Key",
  use: "Use this key",
  kept: "This tab keeps your key until you close it.",
  malformed: "That isn’t a key. Copy all of it, without spaces.",
};
