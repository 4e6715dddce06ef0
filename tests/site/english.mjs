// Loads the English words for the tests that import this.
import { loadWords } from "../../site/assets/words.js";

await loadWords("en", "en-GB");
