// The words of the owner's page in Hindi.

/** @param {ReturnType<typeof import("../../formats.js").formats>} format */
export default ({ number, plural }) => ({
  // owner.html
  ownerTitle: "Visage: आपके लोग",
  rooms: "मालिक के पेज",
  peopleRoom: "लोग",
  addRoom: "किसी को जोड़ें",
  recogniseRoom: "पहचानें",
  signOut: "साइन आउट करें",
  ownerOffline: "आप ऑफ़लाइन हैं। जो अभी नहीं भेजा जा सकता, वह इस टैब में इंतज़ार करता है।",
  doorTitle: "आपके लोग",
  doorIntro: "यह पेज इस वेबसाइट के मालिक के लिए है। ऐसी कुंजी से साइन इन करें जो लोगों को बदल सकती है।",
  keysTitle: "कुंजियाँ",
  waitingTitle: "इंतज़ार में सुधार",
  waitingIntro: "ये भेजे नहीं जा सके। यह टैब इन्हें बंद होने तक रखता है।",
  findPerson: "नाम से खोजें",
  morePeopleButton: "और दिखाएँ",
  name: "नाम",
  addHint: "अलग-अलग तरफ़ से ली गई तीन या ज़्यादा फ़ोटो से पहचान अच्छी होती है। शुरू करने के लिए एक काफ़ी है।",
  recogniseTitle: "पहचानें और सुधारें",
  recogniseIntro: "एक फ़ोटो चुनें, और बताएँ कि जवाब में क्या ग़लत है। उसके बाद मुझे पता रहेगा।",

  // Keys
  keysMake: "कुंजियाँ कमांड लाइन पर बनती हैं। यह कुंजी लोगों को बदल और पहचान सकती है। यह एक ही बार दिखाई जाती है:",
  keysRevoke: "सभी कुंजियाँ देखें, और किसी एक को उसके नंबर से रद्द करें:",
  signOutQuestion: "साइन आउट करें?",
  signOutLoses: (count) =>
    plural(count, { one: `${number(count)} सुधार नहीं भेजा गया है। वह खो जाएगा।`, other: `${number(count)} सुधार नहीं भेजे गए हैं। वे खो जाएँगे।` }),

  // People
  people: "लोगों की सूची",
  peopleCount: (count) => plural(count, { one: `${number(count)} व्यक्ति।`, other: `${number(count)} लोग।` }),
  noPeople: "अभी कोई नहीं है। कुछ फ़ोटो से किसी को जोड़ें।",
  nobodyFound: "ऐसा नाम किसी का नहीं है।",
  found: (count) => plural(count, { one: `${number(count)} व्यक्ति का ऐसा नाम है।`, other: `${number(count)} लोगों के ऐसे नाम हैं।` }),
  oversize: (count, supported) =>
    `आपके पास ${number(count)} लोग हैं। सीमा ज़्यादा से ज़्यादा ${number(supported)} लोगों के लिए मापी गई थी: इससे ज़्यादा होने पर अजनबियों को ज़्यादा बार ग़लत नाम मिलता है।`,
  photoCount: (count) => plural(count, { one: `${number(count)} फ़ोटो`, other: `${number(count)} फ़ोटो` }),
  trained: "प्रशिक्षित",
  trainedAndPhotos: (count) => plural(count, { one: `प्रशिक्षित, और ${number(count)} फ़ोटो`, other: `प्रशिक्षित, और ${number(count)} फ़ोटो` }),
  levels: { well: "अच्छी पहचान", fairly: "ठीक-ठाक पहचान", hardly: "बहुत कम पहचान" },
  personAdvice: {
    one_photo: "मेरे पास एक ही फ़ोटो है। दो-तीन और जोड़ें।",
    poor_photos: "फ़ोटो अच्छी नहीं हैं। साफ़ और ज़्यादा रोशनी वाली फ़ोटो जोड़ें।",
    few_angles: "फ़ोटो एक जैसी हैं। दूसरी तरफ़ से ली गई कुछ फ़ोटो जोड़ें।",
    alike: "कोई और इस व्यक्ति जैसा बहुत दिखता है। दोनों की और फ़ोटो से मदद मिलती है।",
  },

  // A person
  photosFact: "फ़ोटो",
  nearMisses: "मिलते-जुलते चेहरे",
  nearMissCount: (count) =>
    plural(count, { one: `${number(count)} चेहरा जो इस व्यक्ति का नहीं है`, other: `${number(count)} चेहरे जो इस व्यक्ति के नहीं हैं` }),
  forgetNearMisses: "मिलते-जुलते चेहरे भूल जाएँ",
  nearMissesForgotten: "मिलते-जुलते चेहरे भुला दिए गए।",
  created: "जोड़ने की तारीख़",
  changed: "बदलाव की तारीख़",
  lookalikes: "इनके जैसा:",
  addPhotosTitle: "फ़ोटो जोड़ें",
  newName: "नया नाम",
  rename: "नाम बदलें",
  renamed: (name) => `नाम अब ${name} है।`,
  removePerson: "इस व्यक्ति को हटाएँ",
  removeQuestion: (name) => `${name} को हटाएँ?`,
  removeGoes: (photos, nearMisses) =>
    `नाम, तस्वीर, और जो मैं फ़ोटो (${number(photos)}) और मिलते-जुलते चेहरों (${number(nearMisses)}) से जानता हूँ, सब मिटा दिया जाता है। इसे वापस नहीं लाया जा सकता।`,
  removeSoon: "कुछ ही सेकंड में जवाबों में यह नाम नहीं आता।",
  removeCopies: "सूची के पुराने संस्करण कुछ दिन रखे जाते हैं। आपको वह दिन बताया जाता है जब आख़िरी प्रति चली जाती है।",
  removed: (name, date) => `${name} को हटा दिया गया। आख़िरी प्रति ${date} को चली जाती है।`,
  trainedNote:
    "नेटवर्क को इस व्यक्ति पर प्रशिक्षित किया गया था। यहाँ और फ़ोटो और मिलते-जुलते चेहरे जोड़े जा सकते हैं। नाम बदलने या हटाने के लिए मॉडल बदलें और उसे फिर से प्रकाशित करें:",

  // Photos that are added
  addPersonButton: "इस व्यक्ति को जोड़ें",
  addPhotosButton: "ये फ़ोटो जोड़ें",
  goodPhoto: "अच्छी: एक चेहरा, साफ़ दिखता है।",
  severalFaces: (faces) => `${number(faces)} चेहरे। जो चाहिए उसे चुनें। नहीं तो मैं दूसरी फ़ोटो से तय करता हूँ।`,
  whichFace: (photoNumber) => `फ़ोटो ${number(photoNumber)} में किसका चेहरा?`,
  face: (faceNumber) => `चेहरा ${number(faceNumber)}`,
  useAnyway: "यही व्यक्ति है: इस्तेमाल करें",
  removeDraft: "हटाएँ",
  removeDraftNumber: (photoNumber) => `फ़ोटो ${number(photoNumber)} हटाएँ`,
  tooManyPhotos: (count) => `मैं एक बार में ${number(count)} फ़ोटो लेता हूँ। बाकी छोड़ दी गईं।`,
  stillLooking: "मैं अभी फ़ोटो देख रहा हूँ। उसके बाद जोड़ता हूँ।",
  noPhotoReady: "ऐसी कोई फ़ोटो नहीं है जो काम आए। दूसरी चुनें।",
  nameMissing: "नाम लिखें।",
  adding: "जोड़ा जा रहा है…",
  noneUsed: "इनमें से कोई फ़ोटो काम नहीं आ सकती। हर फ़ोटो पर कारण लिखा है।",
  photosUsed: (count) => plural(count, { one: `${number(count)} फ़ोटो जोड़ी गई।`, other: `${number(count)} फ़ोटो जोड़ी गईं।` }),
  photosNotUsed: (count) =>
    plural(count, { one: `${number(count)} फ़ोटो काम नहीं आई: उस पर कारण लिखा है।`, other: `${number(count)} फ़ोटो काम नहीं आईं: हर एक पर कारण लिखा है।` }),
  openPerson: "इस व्यक्ति को देखें",
  photoProblems: {
    "no-face": ["यहाँ मुझे कोई चेहरा नहीं मिला।", "दूसरी फ़ोटो चुनें।"],
    "several-faces": ["मुझे नहीं पता कि किसका चेहरा है।", "उसे चुनें और फ़ोटो फिर भेजें।"],
    "unlike-others": ["यह चेहरा बाकी जैसा नहीं है।", "अगर यही व्यक्ति है, तो बताएँ और फ़ोटो फिर भेजें।"],
    "unreadable-photo": ["यह फ़ोटो ख़राब या अधूरी है।", "मूल फ़ाइल चुनें।"],
    "too-large": ["यह फ़ोटो बहुत बड़ी है।", "छोटी फ़ोटो चुनें।"],
    "unsupported-format": ["मैं इस फ़ाइल को फ़ोटो की तरह नहीं पढ़ पाता।", "इसे JPEG के रूप में सहेजें।"],
    "unknown-face": ["मुझे यह चेहरा फिर से नहीं मिला।", "उसे एक बार और चुनें।"],
    "same-photo": ["यह फ़ोटो मेरे पास पहले से है।", "दूसरी चुनें।"],
  },

  // Corrections
  sayWho: "यह है…",
  isSomebodyElse: "यह कोई और है…",
  isNot: (name) => `यह ${name} नहीं है`,
  isPerson: (name) => `यह ${name} है`,
  isNewPerson: (name) => `${name} को नए व्यक्ति के रूप में जोड़ें`,
  whoIsThis: "यह कौन है?",
  sendingCorrection: "भेजा जा रहा है…",
  corrected: "हो गया।",
  correctionWaits: "यह अभी नहीं भेजा जा सकता। यह इस पेज पर सबसे ऊपर इंतज़ार करता है।",
  recogniseAgain: "फ़ोटो को फिर से पहचानें",
  discard: "छोड़ दें",
  corrections: {
    is: (name) => `यह चेहरा ${name} का है।`,
    new: (name) => `यह चेहरा नए व्यक्ति ${name} का है।`,
    not: (name) => `यह चेहरा ${name} का नहीं है।`,
  },

  // What went wrong, and what to do
  problems: {
    "key-missing": ["इस पेज को कुंजी चाहिए।", "अपनी कुंजी डालें।"],
    "key-unknown": ["यह कुंजी किसी ने नहीं बनाई।", "इसे जाँचें, या दूसरी बनाएँ।"],
    "key-revoked": ["यह कुंजी रद्द कर दी गई है।", "दूसरी बनाएँ और उसे डालें।"],
    "key-over": ["इस कुंजी का आख़िरी दिन बीत चुका है।", "दूसरी बनाएँ और उसे डालें।"],
    "key-of-another-stage": ["यह कुंजी किसी दूसरे स्टेज की है।", "इस स्टेज की कुंजी डालें।"],
    "key-scope": ["यह कुंजी लोगों को नहीं बदल सकती।", "people स्कोप वाली कुंजी बनाएँ और उसे डालें।"],
    "photo-scope": ["यह कुंजी फ़ोटो नहीं देख सकती।", "people और recognize स्कोप वाली कुंजी बनाएँ और उसे डालें।"],
    "bad-name": ["यह नाम नहीं हो सकता।", "एक पंक्ति में 100 अक्षर तक लिखें, / \\ < और > के बिना।"],
    "name-taken": ["यह नाम पहले से किसी का है।", "दूसरा चुनें, या उसी व्यक्ति में फ़ोटो जोड़ें।"],
    "trained-person": ["नेटवर्क को इस व्यक्ति पर प्रशिक्षित किया गया था।", "visage forget से मॉडल बदलें और उसे फिर से प्रकाशित करें।"],
    "unknown-person": ["यह व्यक्ति अब यहाँ नहीं है।", "किसी और ने इसे हटा दिया।"],
    "changed-meanwhile": ["इस बीच किसी और ने इस व्यक्ति को बदल दिया।", "अब आप नई स्थिति देख रहे हैं। अगर अब भी चाहते हैं, तो फिर से करें।"],
    "roster-unavailable": ["लोगों की सूची अभी पढ़ी या बदली नहीं जा सकती।", "थोड़ी देर में फिर कोशिश करें।"],
    "request-reused": ["यह पहले किसी और सामग्री के साथ भेजा जा चुका है।", "पेज फिर से लोड करें और दोबारा कोशिश करें।"],
    "no-photo-used": ["इनमें से कोई फ़ोटो काम नहीं आ सकती।", "हर फ़ोटो पर कारण लिखा है।"],
  },
});
