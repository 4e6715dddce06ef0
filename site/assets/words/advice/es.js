// Why a name may be wrong, in Spanish. The API's words for it are the keys.
export default {
  too_small: "Esta cara es pequeña. Acierto más con una foto en la que sea más grande.",
  blurred: "Esta cara está borrosa. Acierto más con una foto nítida.",
  turned_away: "Esta cara mira a otro lado. Acierto más cuando mira a la cámara.",
  covered: "Parece que una parte de esta cara está tapada. Acierto más cuando la veo entera.",
  too_dark: "Esta cara está oscura. Acierto más con más luz.",
};
