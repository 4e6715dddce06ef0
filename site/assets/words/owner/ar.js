// The words of the owner's page in Arabic.

/** @param {ReturnType<typeof import("../../formats.js").formats>} format */
export default ({ number, plural }) => {
  const countPhotos = (count) => plural(count, { one: "صورة واحدة", two: "صورتان", few: `${number(count)} صور`, many: `${number(count)} صورة`, other: `${number(count)} صورة` });
  const countPeople = (count) => plural(count, { one: "شخص واحد", two: "شخصان", few: `${number(count)} أشخاص`, many: `${number(count)} شخصًا`, other: `${number(count)} شخص` });
  const countFaces = (count) => plural(count, { one: "وجه واحد", two: "وجهان", few: `${number(count)} وجوه`, many: `${number(count)} وجهًا`, other: `${number(count)} وجه` });
  const countCorrections = (count) =>
    plural(count, { one: "تصحيح واحد", two: "تصحيحان", few: `${number(count)} تصحيحات`, many: `${number(count)} تصحيحًا`, other: `${number(count)} تصحيح` });
  return {
    // owner.html
    ownerTitle: "Visage: أشخاصك",
    rooms: "صفحات المالك",
    peopleRoom: "الأشخاص",
    addRoom: "إضافة شخص",
    recogniseRoom: "التعرّف",
    signOut: "تسجيل الخروج",
    ownerOffline: "أنت غير متصل. ما لا يمكن إرساله الآن ينتظر في علامة التبويب هذه.",
    doorTitle: "أشخاصك",
    doorIntro: "هذه الصفحة لمالك هذا الموقع. ادخل بمفتاح يسمح بتغيير الأشخاص.",
    keysTitle: "المفاتيح",
    waitingTitle: "تصحيحات تنتظر",
    waitingIntro: "لم يمكن إرسالها. تحتفظ بها علامة التبويب هذه حتى تغلقها.",
    findPerson: "ابحث عن شخص بالاسم",
    morePeopleButton: "عرض المزيد",
    name: "الاسم",
    addHint: "ثلاث صور أو أكثر من جهات مختلفة تكفي لمعرفة الشخص جيدًا. وتكفي صورة واحدة للبداية.",
    recogniseTitle: "التعرّف والتصحيح",
    recogniseIntro: "اختر صورة، وقل ما الخطأ في الجواب. سأعرف ذلك من الآن فصاعدًا.",

    // Keys
    keysMake: "تُنشأ المفاتيح في سطر الأوامر. هذا المفتاح يسمح بتغيير الأشخاص والتعرّف عليهم، ويُعرض مرة واحدة:",
    keysRevoke: "لعرض كل المفاتيح وإلغاء واحد منها برقمه:",
    signOutQuestion: "هل تريد تسجيل الخروج؟",
    signOutLoses: (count) => `لم تُرسل: ${countCorrections(count)}. وستضيع.`,

    // People
    people: "قائمة الأشخاص",
    peopleCount: (count) => `${countPeople(count)}.`,
    noPeople: "لا يوجد أحد بعد. أضف شخصًا ببضع صور.",
    nobodyFound: "لا أحد بمثل هذا الاسم.",
    found: (count) => `بمثل هذا الاسم: ${countPeople(count)}.`,
    oversize: (count, supported) =>
      `عدد الأشخاص لديك ${number(count)}. قيست العتبة لعدد أقصاه ${number(supported)}: ومع عدد أكبر يحصل الغرباء على اسم خاطئ مرات أكثر.`,
    photoCount: (count) => countPhotos(count),
    trained: "مدرَّب عليه",
    trainedAndPhotos: (count) => `مدرَّب عليه، و${countPhotos(count)}`,
    levels: { well: "معروف جيدًا", fairly: "معروف إلى حد ما", hardly: "بالكاد معروف" },
    personAdvice: {
      one_photo: "لديّ صورة واحدة فقط. أضف صورتين أو ثلاثًا.",
      poor_photos: "الصور ضعيفة. أضف صورًا واضحة بإضاءة أكثر.",
      few_angles: "الصور متشابهة جدًا. أضف صورًا من جهات أخرى.",
      alike: "شخص آخر يشبه هذا الشخص كثيرًا. صور أكثر للاثنين تساعد.",
    },

    // A person
    photosFact: "الصور",
    nearMisses: "وجوه قريبة",
    nearMissCount: (count) => `${countFaces(count)} ليس لهذا الشخص`,
    forgetNearMisses: "انسَ الوجوه القريبة",
    nearMissesForgotten: "نُسيت الوجوه القريبة.",
    created: "تاريخ الإضافة",
    changed: "تاريخ التغيير",
    lookalikes: "يشبه:",
    addPhotosTitle: "إضافة صور",
    newName: "الاسم الجديد",
    rename: "تغيير الاسم",
    renamed: (name) => `الاسم الآن ${name}.`,
    removePerson: "إزالة هذا الشخص",
    removeQuestion: (name) => `هل تريد إزالة ${name}؟`,
    removeGoes: (photos, nearMisses) =>
      `يُحذف الاسم والصورة وما أعرفه من الصور (${number(photos)}) والوجوه القريبة (${number(nearMisses)}). لا يمكن التراجع عن ذلك.`,
    removeSoon: "تتوقف الأجوبة عن ذكر الاسم خلال ثوانٍ.",
    removeCopies: "تُحفظ النسخ السابقة من القائمة بضعة أيام. ستعرف اليوم الذي تختفي فيه آخر نسخة.",
    removed: (name, date) => `أُزيل ${name}. تختفي آخر نسخة في ${date}.`,
    trainedNote: "دُرّبت الشبكة على هذا الشخص. يمكن هنا إضافة صور ووجوه قريبة. لتغيير اسمه أو إزالته، غيّر النموذج وانشره من جديد:",

    // Photos that are added
    addPersonButton: "أضف هذا الشخص",
    addPhotosButton: "أضف هذه الصور",
    goodPhoto: "جيدة: وجه واحد واضح.",
    severalFaces: (faces) => `عدد الوجوه ${number(faces)}. اختر الوجه المقصود، وإلا قررتُ حسب الصور الأخرى.`,
    whichFace: (photoNumber) => `أيّ وجه في الصورة ${number(photoNumber)}؟`,
    face: (faceNumber) => `الوجه ${number(faceNumber)}`,
    useAnyway: "هو نفسه: استخدمها",
    removeDraft: "إزالة",
    removeDraftNumber: (photoNumber) => `إزالة الصورة ${number(photoNumber)}`,
    tooManyPhotos: (count) => `الحد الأقصى في المرة الواحدة: ${number(count)} من الصور. تُركت الأخرى.`,
    stillLooking: "ما زلت أفحص الصور. ثم أضيفها.",
    noPhotoReady: "لا توجد صورة يمكنني استخدامها. اختر غيرها.",
    nameMissing: "اكتب اسمًا.",
    adding: "جارٍ الإضافة…",
    noneUsed: "لا يمكن استخدام أي من هذه الصور. السبب مكتوب مع كل صورة.",
    photosUsed: (count) => `أُضيفت: ${countPhotos(count)}.`,
    photosNotUsed: (count) => `لم تُستخدم: ${countPhotos(count)}. السبب مكتوب مع كل صورة.`,
    openPerson: "افتح هذا الشخص",
    photoProblems: {
      "no-face": ["لا أجد وجهًا هنا.", "اختر صورة أخرى."],
      "several-faces": ["لا أعرف أي وجه تقصد.", "اختره وأرسل الصورة مرة أخرى."],
      "unlike-others": ["هذا الوجه لا يشبه الوجوه الأخرى.", "إذا كان الشخص نفسه فقل ذلك وأرسل الصورة مرة أخرى."],
      "unreadable-photo": ["هذه الصورة تالفة أو ناقصة.", "اختر الملف الأصلي."],
      "too-large": ["هذه الصورة كبيرة جدًا.", "اختر صورة أصغر."],
      "unsupported-format": ["لا أستطيع قراءة هذا الملف كصورة.", "احفظها بصيغة JPEG."],
      "unknown-face": ["لم أعد أجد هذا الوجه.", "اختره مرة أخرى."],
      "same-photo": ["هذه الصورة لديّ من قبل.", "اختر غيرها."],
    },

    // Corrections
    sayWho: "هذا هو…",
    isSomebodyElse: "هذا شخص آخر…",
    isNot: (name) => `هذا ليس ${name}`,
    isPerson: (name) => `هذا ${name}`,
    isNewPerson: (name) => `أضف ${name} كشخص جديد`,
    whoIsThis: "من هذا الشخص؟",
    sendingCorrection: "جارٍ الإرسال…",
    corrected: "تم.",
    correctionWaits: "لا يمكن إرسال هذا الآن. إنه ينتظر في أعلى هذه الصفحة.",
    recogniseAgain: "تعرّف على الصورة مرة أخرى",
    discard: "تجاهل",
    corrections: {
      is: (name) => `هذا الوجه هو ${name}.`,
      new: (name) => `هذا الوجه هو ${name}، وهو شخص جديد.`,
      not: (name) => `هذا الوجه ليس ${name}.`,
    },

    // What went wrong, and what to do
    problems: {
      "key-missing": ["تحتاج هذه الصفحة إلى مفتاح.", "أدخل مفتاحك."],
      "key-unknown": ["لم ينشئ أحد هذا المفتاح.", "تحقق منه، أو أنشئ مفتاحًا آخر."],
      "key-revoked": ["أُلغي هذا المفتاح.", "أنشئ مفتاحًا آخر وأدخله."],
      "key-over": ["انتهى آخر يوم لهذا المفتاح.", "أنشئ مفتاحًا آخر وأدخله."],
      "key-of-another-stage": ["هذا المفتاح لمرحلة أخرى.", "أدخل مفتاحًا لهذه المرحلة."],
      "key-scope": ["لا يسمح هذا المفتاح بتغيير الأشخاص.", "أنشئ مفتاحًا بالنطاق people وأدخله."],
      "photo-scope": ["لا يسمح هذا المفتاح بالنظر في الصور.", "أنشئ مفتاحًا بالنطاقين people وrecognize وأدخله."],
      "bad-name": ["لا يصلح هذا اسمًا.", "استخدم حتى 100 حرف في سطر واحد، بلا / \\ < و>."],
      "name-taken": ["هذا الاسم لشخص آخر.", "اختر اسمًا آخر، أو أضف الصور إلى ذلك الشخص."],
      "trained-person": ["دُرّبت الشبكة على هذا الشخص.", "غيّر النموذج بالأمر visage forget وانشره من جديد."],
      "unknown-person": ["هذا الشخص لم يعد هنا.", "أزاله شخص آخر."],
      "changed-meanwhile": ["غيّر شخص آخر بيانات هذا الشخص في هذه الأثناء.", "ترى الآن الحالة الجديدة. أعد المحاولة إذا كنت ما زلت تريد ذلك."],
      "roster-unavailable": ["لا يمكن الآن قراءة قائمة الأشخاص أو تغييرها.", "حاول مرة أخرى بعد لحظة."],
      "request-reused": ["أُرسل هذا من قبل بمحتوى آخر.", "أعد تحميل الصفحة وحاول مرة أخرى."],
      "no-photo-used": ["لا يمكن استخدام أي من هذه الصور.", "السبب مكتوب مع كل صورة."],
    },
  };
};
