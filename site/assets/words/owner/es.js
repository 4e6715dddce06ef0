// The words of the owner's page in Spanish.

/** @param {ReturnType<typeof import("../../formats.js").formats>} format */
export default ({ number, plural }) => ({
  // owner.html
  ownerTitle: "Visage: tus personas",
  rooms: "Páginas del propietario",
  peopleRoom: "Personas",
  addRoom: "Añadir a alguien",
  recogniseRoom: "Reconocer",
  signOut: "Cerrar sesión",
  ownerOffline: "No tienes conexión. Lo que no se pueda enviar ahora espera en esta pestaña.",
  doorTitle: "Tus personas",
  doorIntro: "Esta página es para el propietario de este sitio web. Entra con una clave que pueda cambiar personas.",
  keysTitle: "Claves",
  waitingTitle: "Correcciones en espera",
  waitingIntro: "No se han podido enviar. Esta pestaña las guarda hasta que la cierres.",
  findPerson: "Buscar a alguien por su nombre",
  morePeopleButton: "Mostrar más",
  name: "Nombre",
  addHint: "Con tres fotos o más, desde distintos lados, reconozco bien a una persona. Para empezar basta una.",
  recogniseTitle: "Reconocer y corregir",
  recogniseIntro: "Elige una foto y di qué está mal en la respuesta. A partir de entonces lo sabré.",

  // Keys
  keysMake: "Las claves se crean en la línea de comandos. Esta puede cambiar y reconocer personas. Se muestra una sola vez:",
  keysRevoke: "Ver todas las claves y anular una por su número:",
  signOutQuestion: "¿Cerrar la sesión?",
  signOutLoses: (count) =>
    plural(count, { one: `${number(count)} corrección no se ha enviado. Se perderá.`, other: `${number(count)} correcciones no se han enviado. Se perderán.` }),

  // People
  people: "Lista de personas",
  peopleCount: (count) => plural(count, { one: `${number(count)} persona.`, other: `${number(count)} personas.` }),
  noPeople: "Todavía no hay nadie. Añade a alguien con unas fotos.",
  nobodyFound: "Nadie tiene un nombre así.",
  found: (count) => plural(count, { one: `${number(count)} persona tiene un nombre así.`, other: `${number(count)} personas tienen un nombre así.` }),
  oversize: (count, supported) =>
    `Tienes ${number(count)} personas. El umbral se midió para ${number(supported)} como máximo: con más, los desconocidos reciben más a menudo un nombre equivocado.`,
  photoCount: (count) => plural(count, { one: `${number(count)} foto`, other: `${number(count)} fotos` }),
  trained: "Entrenada",
  trainedAndPhotos: (count) => plural(count, { one: `Entrenada, y ${number(count)} foto`, other: `Entrenada, y ${number(count)} fotos` }),
  levels: { well: "La conozco bien", fairly: "La conozco bastante bien", hardly: "Apenas la conozco" },
  personAdvice: {
    one_photo: "Solo tengo una foto. Añade dos o tres más.",
    poor_photos: "Las fotos son malas. Añade otras nítidas y con más luz.",
    few_angles: "Las fotos se parecen mucho. Añade alguna desde otros lados.",
    alike: "Otra persona se parece mucho a esta. Ayudan más fotos de las dos.",
  },

  // A person
  photosFact: "Fotos",
  nearMisses: "Confusiones",
  nearMissCount: (count) =>
    plural(count, { one: `${number(count)} cara que no es de esta persona`, other: `${number(count)} caras que no son de esta persona` }),
  forgetNearMisses: "Olvidar las confusiones",
  nearMissesForgotten: "He olvidado las confusiones.",
  created: "Fecha de alta",
  changed: "Último cambio",
  lookalikes: "Se parece a:",
  addPhotosTitle: "Añadir fotos",
  newName: "Nombre nuevo",
  rename: "Cambiar el nombre",
  renamed: (name) => `Ahora se llama ${name}.`,
  removePerson: "Quitar a esta persona",
  removeQuestion: (name) => `¿Quitar a ${name}?`,
  removeGoes: (photos, nearMisses) =>
    `Se borran el nombre, la imagen y lo que sé por las fotos (${number(photos)}) y las confusiones (${number(nearMisses)}). No se puede deshacer.`,
  removeSoon: "En unos segundos, las respuestas dejan de dar su nombre.",
  removeCopies: "Las versiones anteriores de la lista se guardan unos días. Te diré qué día desaparece la última copia.",
  removed: (name, date) => `He quitado a ${name}. La última copia desaparece el ${date}.`,
  trainedNote:
    "La red se entrenó con esta persona. Aquí se pueden añadir más fotos y confusiones. Para cambiar su nombre o quitarla, cambia el modelo y publícalo de nuevo:",

  // Photos that are added
  addPersonButton: "Añadir a esta persona",
  addPhotosButton: "Añadir estas fotos",
  goodPhoto: "Bien: una sola cara, y se ve bien.",
  severalFaces: (faces) => `${number(faces)} caras. Elige la que quieres. Si no, decido por las otras fotos.`,
  whichFace: (photoNumber) => `¿Qué cara de la foto ${number(photoNumber)}?`,
  face: (faceNumber) => `Cara ${number(faceNumber)}`,
  useAnyway: "Es esta persona: usarla",
  removeDraft: "Quitar",
  removeDraftNumber: (photoNumber) => `Quitar la foto ${number(photoNumber)}`,
  tooManyPhotos: (count) => `Acepto ${number(count)} fotos a la vez. Las demás se quedan fuera.`,
  stillLooking: "Todavía estoy mirando las fotos. Después las añado.",
  noPhotoReady: "No hay ninguna foto que pueda usar. Elige otras.",
  nameMissing: "Escribe un nombre.",
  adding: "Añadiendo…",
  noneUsed: "No se puede usar ninguna de estas fotos. Cada una dice por qué.",
  photosUsed: (count) => plural(count, { one: `${number(count)} foto añadida.`, other: `${number(count)} fotos añadidas.` }),
  photosNotUsed: (count) =>
    plural(count, { one: `${number(count)} foto no se ha usado: dice por qué.`, other: `${number(count)} fotos no se han usado: cada una dice por qué.` }),
  openPerson: "Ver a esta persona",
  photoProblems: {
    "no-face": ["Aquí no encuentro ninguna cara.", "Elige otra foto."],
    "several-faces": ["No sé a qué cara te refieres.", "Elígela y envía la foto otra vez."],
    "unlike-others": ["Esta cara no se parece a las otras.", "Si es la misma persona, dilo y envía la foto otra vez."],
    "unreadable-photo": ["Esta foto está dañada o incompleta.", "Elige el archivo original."],
    "too-large": ["Esta foto es demasiado grande.", "Elige una más pequeña."],
    "unsupported-format": ["No puedo leer este archivo como foto.", "Guárdala como JPEG."],
    "unknown-face": ["No vuelvo a encontrar esta cara.", "Elígela otra vez."],
    "same-photo": ["Ya tengo esta foto.", "Elige otra."],
  },

  // Corrections
  sayWho: "Esta persona es…",
  isSomebodyElse: "Es otra persona…",
  isNot: (name) => `No es ${name}`,
  isPerson: (name) => `Es ${name}`,
  isNewPerson: (name) => `Añadir a ${name} como persona nueva`,
  whoIsThis: "¿Quién es esta persona?",
  sendingCorrection: "Enviando…",
  corrected: "Hecho.",
  correctionWaits: "Ahora no se puede enviar. Espera arriba, en esta página.",
  recogniseAgain: "Reconocer la foto otra vez",
  discard: "Descartar",
  corrections: {
    is: (name) => `Esta cara es de ${name}.`,
    new: (name) => `Esta cara es de ${name}, una persona nueva.`,
    not: (name) => `Esta cara no es de ${name}.`,
  },

  // What went wrong, and what to do
  problems: {
    "key-missing": ["Esta página necesita una clave.", "Introduce la tuya."],
    "key-unknown": ["Nadie ha creado esta clave.", "Compruébala o crea otra."],
    "key-revoked": ["Esta clave se ha anulado.", "Crea otra e introdúcela."],
    "key-over": ["Ya pasó el último día de esta clave.", "Crea otra e introdúcela."],
    "key-of-another-stage": ["Esta clave es de otro entorno.", "Introduce una de este."],
    "key-scope": ["Esta clave no puede cambiar personas.", "Crea una con el ámbito people e introdúcela."],
    "photo-scope": ["Esta clave no puede mirar fotos.", "Crea una con los ámbitos people y recognize e introdúcela."],
    "bad-name": ["Esto no puede ser un nombre.", "Usa hasta 100 caracteres en una línea, sin / \\ < ni >."],
    "name-taken": ["Alguien tiene ya este nombre.", "Elige otro o añade las fotos a esa persona."],
    "trained-person": ["La red se entrenó con esta persona.", "Cambia el modelo con visage forget y publícalo de nuevo."],
    "unknown-person": ["Esta persona ya no está.", "La ha quitado otra persona."],
    "changed-meanwhile": ["Mientras tanto, otra persona ha cambiado estos datos.", "Ahora ves cómo están. Hazlo otra vez si todavía lo quieres."],
    "roster-unavailable": ["Ahora no se puede leer ni cambiar la lista de personas.", "Vuelve a intentarlo en un momento."],
    "request-reused": ["Esto ya se envió con otro contenido.", "Recarga la página y vuelve a intentarlo."],
    "no-photo-used": ["No se puede usar ninguna de estas fotos.", "Cada una dice por qué."],
  },
});
