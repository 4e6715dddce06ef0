// Chooses the language before the page is painted. A classic script: modules run too late for that.
(() => {
  const LANGUAGES = ["en", "es", "hi", "ar"];
  const KEY = "language";

  /** Stored for the tab. A browser that blocks storage throws. */
  const stored = (value) => {
    try {
      if (value) sessionStorage.setItem(KEY, value);
      return sessionStorage.getItem(KEY);
    } catch {
      return null;
    }
  };
  const supported = (tag) => LANGUAGES.find((language) => language === tag?.toLowerCase().split("-")[0]);
  const asked = supported(new URLSearchParams(location.search).get("lang"));
  const language = asked || supported(stored()) || navigator.languages.map(supported).find(Boolean) || "en";
  if (asked) stored(asked);

  const root = document.documentElement;
  root.lang = language;
  root.dir = language === "ar" ? "rtl" : "ltr";
  const { src, dataset } = document.currentScript;
  if ("wordless" in dataset) return; // a page that has its text in all languages
  if (language !== "en") root.dataset.words = "loading"; // hides the English text of index.html until words.js replaces it

  const preload = document.createElement("link");
  preload.rel = "modulepreload";
  preload.href = src.replace("language.js", `words/${language}.js`);
  document.head.append(preload);
})();
