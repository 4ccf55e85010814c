// The page in three languages. A key that a language lacks falls back to English.
import { en } from './words_en.js';
import { hans } from './words_hans.js';
import { hant } from './words_hant.js';
import { counting } from './words_counting.js';
import { moneyWords } from './words_money.js';

export const languages = { en, 'zh-Hans': hans, 'zh-Hant': hant };
for (const [name, words] of Object.entries(languages)) Object.assign(words, counting[name], moneyWords[name]);
const locales = { en: 'en', 'zh-Hans': 'zh-CN', 'zh-Hant': 'zh-TW' };
let current = 'en';

export function language() { return current; }

function use(name) {
  current = name in languages ? name : 'en';
  document.documentElement.lang = current;
}

// The language a person chose on this screen, else the one the agent is set to.
export function begin(configured) { use(localStorage.getItem('language') ?? configured); }

export function next() {
  const names = Object.keys(languages);
  use(names[(names.indexOf(current) + 1) % names.length]);
  localStorage.setItem('language', current);
}

export function say(key, values = {}) {
  const one = Number(values.n) === 1 ? languages[current][`${key}_one`] : undefined;
  const text = one ?? languages[current][key] ?? en[key];
  return text === undefined ? undefined : text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
}

export function money(minor, currency) {
  const format = new Intl.NumberFormat(locales[current], { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

export function decimals(currency) {
  return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits;
}

export function quantity(text) {
  return new Intl.NumberFormat(locales[current], { maximumFractionDigits: 6 }).format(Number(text));
}

export function time(us) {
  const when = new Date(us / 1000);
  const today = when.toDateString() === new Date().toDateString();
  const format = today ? { hour: '2-digit', minute: '2-digit' } : { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' };
  return new Intl.DateTimeFormat(locales[current], format).format(when);
}

export function age(seconds) {
  for (const [unit, size] of [['day', 86400], ['hour', 3600], ['minute', 60]]) {
    if (seconds >= size) return say(`age_${unit}`, { n: Math.floor(seconds / size) });
  }
  return say('age_second', { n: Math.floor(seconds) });
}
