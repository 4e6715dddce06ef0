// The words of the place to enter a key, in Spanish.
export default {
  label: "Clave",
  use: "Usar esta clave",
  kept: "Esta pestaña guarda tu clave hasta que la cierres.",
  malformed: "Eso no es una clave. Cópiala entera y sin espacios.",
};
