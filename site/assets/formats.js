// How a language writes numbers, sizes, lists and plurals.

/**
 * @param {string} locale  a BCP 47 tag
 * @returns the functions that the languages in words/ make their sentences with
 */
export function formats(locale) {
  const numbers = (options) => {
    const { format } = new Intl.NumberFormat(locale, options);
    return format;
  };
  const unit = (name, digits) => numbers({ style: "unit", unit: name, maximumFractionDigits: digits });
  const rules = new Intl.PluralRules(locale);
  const lists = new Intl.ListFormat(locale, { type: "conjunction" });
  const { compare } = new Intl.Collator(locale, { numeric: true });
  const megabytes = unit("megabyte", 1);
  const [fine, coarse] = [unit("millisecond", 1), unit("millisecond", 0)];
  return {
    /** @type {(value: number) => string} */
    number: numbers(),
    /** @type {(share: number) => string} 0 to 1, with one digit after the point at most */
    percent: numbers({ style: "percent", maximumFractionDigits: 1 }),
    /** @type {(share: number) => string} 0 to 1, rounded to whole percent */
    wholePercent: numbers({ style: "percent" }),
    /** @param {number} bytes */
    megabytes: (bytes) => megabytes(bytes / 1e6),
    /** @param {number} ms */
    milliseconds: (ms) => (ms < 10 ? fine : coarse)(ms),
    /** @type {(value: number) => string} */
    seconds: numbers({ style: "unit", unit: "second", unitDisplay: "narrow" }),
    /** @param {string[]} names */
    list: (names) => lists.format(names),
    /** @param {string[]} names  @returns {{type: "element" | "literal", value: string}[]} the list's names, and the words between */
    listParts: (names) => lists.formatToParts(names),
    /** @type {(one: string, other: string) => number} the order of names; "Person 2" is before "Person 10" */
    compare,
    /**
     * @param {number} count
     * @param {Partial<Record<Intl.LDMLPluralRule, string>>} forms  `other` stands for each form that is missing
     */
    plural: (count, forms) => forms[rules.select(count)] ?? forms.other,
  };
}
