// Says in one sentence that a browser is too old for this page. Such a browser may not run modules, or not understand
// ours, so this is a classic script in the JavaScript of 2009, and holds its sentence in all languages itself.
(function () {
  var sentences = {
    en: "This browser is too old for this page. Use Safari 15.4, Firefox 102, Chrome 100, or a newer one.",
    es: "Este navegador es demasiado antiguo para esta página. Usa Safari 15.4, Firefox 102, Chrome 100 o uno más reciente.",
    hi: "यह ब्राउज़र इस पेज के लिए बहुत पुराना है। Safari 15.4, Firefox 102, Chrome 100 या इनसे नया ब्राउज़र इस्तेमाल करें।",
    ar: "هذا المتصفح قديم جدًا لهذه الصفحة. استخدم Safari 15.4 أو Firefox 102 أو Chrome 100 أو متصفحًا أحدث."
  };

  // The supported browsers have all of these; no older one has.
  var isNewEnough =
    "noModule" in document.createElement("script") && // runs modules
    "at" in Array.prototype && // Safari 15.4, Firefox 90, Chromium 92: they understand private methods, too
    "replaceChildren" in document.body &&
    "showModal" in document.createElement("dialog") && // Safari 15.4, Firefox 98
    "AbortSignal" in window && "reason" in AbortSignal.prototype && // Safari 15.4, Firefox 97, Chromium 98
    "Intl" in window && "ListFormat" in Intl;
  if (isNewEnough) return;

  var root = document.documentElement;
  var language = (root.lang !== "en" && root.lang) || (navigator.language || "en").slice(0, 2);
  root.removeAttribute("data-words"); // no words are loaded
  var notice = document.getElementById("old");
  notice.textContent = sentences[language] || sentences.en;
  notice.lang = language in sentences ? language : "en";
  notice.dir = language === "ar" ? "rtl" : "ltr";
  notice.removeAttribute("hidden");
  document.body.setAttribute("data-view", "old"); // main.js stops, and the styles hide what would not work
})();
