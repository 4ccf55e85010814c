// Text goes into the page escaped; only what html`` itself has made goes in as it is.
const signs = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

class Markup {
  constructor(text) { this.text = text; }
  toString() { return this.text; }
}

export function markup(text) { return new Markup(text); }

function shown(value) {
  if (value === null || value === undefined || value === false) return '';
  if (Array.isArray(value)) return value.map(shown).join('');
  if (value instanceof Markup) return value.text;
  return String(value).replace(/[&<>"']/g, (sign) => signs[sign]);
}

export function html(parts, ...values) {
  return new Markup(parts.reduce((text, part, number) => text + shown(values[number - 1]) + part));
}

export function fill(element, content) {
  const text = shown(content);
  if (element.filled !== text) {
    element.innerHTML = text;
    element.filled = text;
  }
}

export const at = (id) => document.getElementById(id);
