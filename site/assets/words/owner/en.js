// The words of the owner's page in English. owner.html holds some of them too.

/** @param {ReturnType<typeof import("../../formats.js").formats>} format */
export default ({ number, plural }) => ({
  // owner.html
  ownerTitle: "Visage: your people",
  rooms: "Pages of the owner",
  peopleRoom: "People",
  addRoom: "Add somebody",
  recogniseRoom: "Recognise",
  signOut: "Sign out",
  ownerOffline: "You’re offline. What you can’t send now waits in this tab.",
  doorTitle: "Your people",
  doorIntro: "This page is for the owner of this website. Sign in with a key that may change people.",
  keysTitle: "Keys",
  waitingTitle: "Corrections waiting",
  waitingIntro: "These could not be sent. This tab keeps them until you close it.",
  findPerson: "Find somebody by name",
  morePeopleButton: "Show more",
  name: "Name",
  addHint: "Three or more photos from different sides make somebody well known. One is enough to begin.",
  recogniseTitle: "Recognise and correct",
  recogniseIntro: "Choose a photo, and say what’s wrong in the answer. I’ll know from then on.",

  // Keys
  keysMake: "Keys are made on the command line. This one may change and recognise people. It is shown once:",
  keysRevoke: "See all keys, and end one by its number:",
  signOutQuestion: "Sign out?",
  signOutLoses: (count) =>
    plural(count, { one: `${number(count)} correction has not been sent. It will be lost.`, other: `${number(count)} corrections have not been sent. They will be lost.` }),

  // People
  people: "People",
  peopleCount: (count) => plural(count, { one: `${number(count)} person.`, other: `${number(count)} people.` }),
  noPeople: "There is nobody yet. Add somebody with a few photos.",
  nobodyFound: "Nobody has such a name.",
  found: (count) => plural(count, { one: `${number(count)} person has such a name.`, other: `${number(count)} people have such a name.` }),
  oversize: (count, supported) =>
    `You have ${number(count)} people. The threshold was measured for ${number(supported)} at most: with more, strangers get a wrong name more often.`,
  photoCount: (count) => plural(count, { one: `${number(count)} photo`, other: `${number(count)} photos` }),
  trained: "Trained",
  trainedAndPhotos: (count) => plural(count, { one: `Trained, and ${number(count)} photo`, other: `Trained, and ${number(count)} photos` }),
  levels: { well: "Well known", fairly: "Fairly well known", hardly: "Hardly known" },
  personAdvice: {
    one_photo: "I have one photo only. Add two or three more.",
    poor_photos: "The photos are poor. Add sharp ones, with more light.",
    few_angles: "The photos are much alike. Add some from other sides.",
    alike: "Somebody else looks much like this person. More photos of both help.",
  },

  // A person
  photosFact: "Photos",
  nearMisses: "Near misses",
  nearMissCount: (count) =>
    plural(count, { one: `${number(count)} face that isn’t this person’s`, other: `${number(count)} faces that aren’t this person’s` }),
  forgetNearMisses: "Forget the near misses",
  nearMissesForgotten: "The near misses are forgotten.",
  created: "Added on",
  changed: "Changed on",
  lookalikes: "Looks like:",
  addPhotosTitle: "Add photos",
  newName: "New name",
  rename: "Rename",
  renamed: (name) => `The name is now ${name}.`,
  removePerson: "Remove this person",
  removeQuestion: (name) => `Remove ${name}?`,
  removeGoes: (photos, nearMisses) =>
    `The name, the picture, and what I know from photos (${number(photos)}) and near misses (${number(nearMisses)}) are deleted. This can’t be undone.`,
  removeSoon: "Answers stop giving the name within seconds.",
  removeCopies: "Former versions of the list are kept for some days. You’re told the day on which the last copy is gone.",
  removed: (name, date) => `${name} is removed. The last copy is gone on ${date}.`,
  trainedNote:
    "The network was trained on this person. More photos and near misses can be added here. To rename or remove somebody like this, change the model and deploy it again:",

  // Photos that are added
  addPersonButton: "Add this person",
  addPhotosButton: "Add these photos",
  goodPhoto: "Good: one face, easy to see.",
  severalFaces: (faces) => `${number(faces)} faces. Choose the one you mean. Otherwise I decide by the other photos.`,
  whichFace: (photoNumber) => `Whose face in photo ${number(photoNumber)}?`,
  face: (faceNumber) => `Face ${number(faceNumber)}`,
  useAnyway: "It is them: use it",
  removeDraft: "Remove",
  removeDraftNumber: (photoNumber) => `Remove photo ${number(photoNumber)}`,
  tooManyPhotos: (count) => `I take ${number(count)} photos at once. The others are left out.`,
  stillLooking: "I’m still looking at the photos. Then I’ll add them.",
  noPhotoReady: "There is no photo that I can use. Choose others.",
  nameMissing: "Enter a name.",
  adding: "Adding…",
  noneUsed: "None of these photos can be used. Each one says why.",
  photosUsed: (count) => plural(count, { one: `${number(count)} photo added.`, other: `${number(count)} photos added.` }),
  photosNotUsed: (count) =>
    plural(count, { one: `${number(count)} photo was not used: it says why.`, other: `${number(count)} photos were not used: each one says why.` }),
  openPerson: "Open this person",
  photoProblems: {
    "no-face": ["I can’t find a face here.", "Choose another photo."],
    "several-faces": ["I can’t tell whose face you mean.", "Choose it, and send the photo again."],
    "unlike-others": ["This face is unlike the others.", "If it is the same person, say so, and send the photo again."],
    "unreadable-photo": ["This photo is damaged or incomplete.", "Choose the original file."],
    "too-large": ["This photo is too large.", "Choose a smaller one."],
    "unsupported-format": ["I can’t read this file as a photo.", "Save it as a JPEG."],
    "unknown-face": ["I can’t find this face again.", "Choose it once more."],
    "same-photo": ["I have this photo already.", "Choose another one."],
  },

  // Corrections
  sayWho: "This is …",
  isSomebodyElse: "This is somebody else …",
  isNot: (name) => `This isn’t ${name}`,
  isPerson: (name) => `This is ${name}`,
  isNewPerson: (name) => `Add ${name} as somebody new`,
  whoIsThis: "Who is this?",
  sendingCorrection: "Sending…",
  corrected: "Done.",
  correctionWaits: "This can’t be sent now. It waits at the top of this page.",
  recogniseAgain: "Recognise the photo again",
  discard: "Discard",
  corrections: {
    is: (name) => `This face is ${name}.`,
    new: (name) => `This face is ${name}, somebody new.`,
    not: (name) => `This face isn’t ${name}.`,
  },

  // What went wrong, and what to do
  problems: {
    "key-missing": ["This page needs a key.", "Enter yours."],
    "key-unknown": ["Nobody has made this key.", "Check it, or make another one."],
    "key-revoked": ["This key was revoked.", "Make another one, and enter that."],
    "key-over": ["The last day of this key has passed.", "Make another one, and enter that."],
    "key-of-another-stage": ["This key is of another stage.", "Enter one of this stage."],
    "key-scope": ["This key may not change people.", "Make one with the scope people, and enter that."],
    "photo-scope": ["This key may not look at photos.", "Make one with the scopes people and recognize, and enter that."],
    "bad-name": ["This can’t be a name.", "Use up to 100 characters on one line, without / \\ < and >."],
    "name-taken": ["Somebody has this name already.", "Choose another one, or add the photos to that person."],
    "trained-person": ["The network was trained on this person.", "Change the model with visage forget, and deploy it again."],
    "unknown-person": ["This person isn’t there any more.", "Somebody else has removed them."],
    "changed-meanwhile": ["Somebody else changed this person meanwhile.", "You see the new state now. Do it again if you still want it."],
    "roster-unavailable": ["The list of people can’t be read or changed now.", "Try again in a moment."],
    "request-reused": ["This was sent before with something else in it.", "Reload the page and try again."],
    "no-photo-used": ["None of these photos can be used.", "Each one says why."],
  },
});
