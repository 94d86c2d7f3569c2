/** What the page says, in the reader's language; the catalogue is loaded before the modules (chat/words.js). */

const catalogue = globalThis.django;

export const gettext = (text) => catalogue?.gettext(text) ?? text;

/** Fills `%(name)s` in a translated text. */
export const filled = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => String(values[name]));

const places = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
const figure = new Intl.NumberFormat(document.documentElement.lang, places);

/** @param {number} ms @returns {string} seconds with a unit */
export const seconds = (ms) => filled(gettext("%(figure)s s"), { figure: figure.format(ms / 1000) });
