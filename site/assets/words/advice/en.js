// Why a name may be wrong, in English. The API's words for it are the keys.
export default {
  too_small: "This face is small. I’m surer with a larger photo of it.",
  blurred: "This face is blurred. I’m surer with a sharp photo of it.",
  turned_away: "This face looks away. I’m surer when it looks at the camera.",
  covered: "Part of this face seems covered. I’m surer when I see all of it.",
  too_dark: "This face is dark. I’m surer with more light.",
};
