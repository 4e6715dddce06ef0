// The words of the place to enter a key, in Arabic.
export default {
  label: "المفتاح",
  use: "استخدام هذا المفتاح",
  kept: "تحتفظ هذه الصفحة بمفتاحك حتى تغلق علامة التبويب.",
  malformed: "هذا ليس مفتاحًا. انسخه كاملًا وبلا مسافات.",
};
