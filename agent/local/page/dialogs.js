// Questions to the cashier: one at a time, answered by keys or by touch, closed by no scanner.
import { at, fill, html } from './dom.js';
import { decimals, money, say } from './words.js';

let open = null; // { read, done } of the question that is open

function show(content, question) {
  const dialog = at('dialog');
  fill(dialog, content);
  open = question;
  if (!dialog.open) dialog.showModal();
  const field = dialog.querySelector('input');
  field?.focus();
  field?.select();
}

export function isOpen() { return open !== null; }

export function close() {
  open = null;
  at('dialog').close();
  at('dialog').filled = undefined;
}

// The answer that stands in the dialog now; it stays open if that is none.
export function confirm() {
  const answer = open?.read();
  if (answer === undefined || answer === null) {
    at('dialog').querySelector('input')?.focus();
    return;
  }
  const { done } = open;
  close();
  done(answer);
}

export function key(event) {
  if (event.key === 'Escape') { close(); return true; }
  if (event.key === 'Enter' || event.key === 'F9') { confirm(); return true; }
  return open?.key ? open.key(event) : false;
}

function buttons(yes) {
  return html`<div class="answers"><button data-do="dialog_no"><kbd>Esc</kbd>${say('cancel')}</button>
    <button data-do="dialog_yes" class="yes"><kbd>F9</kbd>${say(yes)}</button></div>`;
}

export function askText({ title, label, value = '', yes = 'confirm', done, optional = false, numeric = false }) {
  show(html`<h2>${title}</h2><label>${label}<input id="answer" autocomplete="off" inputmode="${numeric ? 'decimal' : 'text'}" value="${value}"></label>${buttons(yes)}`, {
    read: () => at('answer').value.trim() || (optional ? '' : null),
    done,
  });
}

export function askNumber({ title, label, value = '', done, yes = 'confirm' }) {
  askText({ title, label, value, yes, numeric: true, done: (text) => done(text.replace(',', '.')) });
  const read = open.read;
  open.read = () => (/^\d{1,9}([.,]\d{1,6})?$/.test(read() ?? '') ? read() : null);
}

// An amount of money; the answer is in minor units.
export function askMoney({ title, label, minor = null, currency, done }) {
  const digits = decimals(currency);
  askNumber({ title, label, value: minor === null ? '' : (minor / 10 ** digits).toFixed(digits), done: (text) => done(Math.round(Number(text) * 10 ** digits)) });
}

export function askYes({ title, about = '', yes = 'yes', done }) {
  show(html`<h2>${title}</h2>${about ? html`<p>${about}</p>` : ''}${buttons(yes)}`, { read: () => true, done });
}

export function askChoice({ title, choices, yes = 'confirm', done }) {
  let chosen = choices[0][0];
  const draw = () => {
    show(html`<h2>${title}</h2><div class="choices">${choices.map(([value, text]) => html`
      <button data-do="dialog_choose" data-arg="${value}" class="${value === chosen ? 'on' : ''}" aria-pressed="${value === chosen}">${text}</button>`)}</div>${buttons(yes)}`, question);
  };
  const question = {
    read: () => chosen,
    done,
    choose: (value) => { chosen = value; draw(); },
    key: (event) => {
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (!step) return false;
      const now = choices.findIndex(([value]) => value === chosen);
      question.choose(choices[(now + step + choices.length) % choices.length][0]);
      return true;
    },
  };
  draw();
}

export function choose(value) { open?.choose?.(value); }

// Payment: a method, and for cash what was given. Recorded, not processed.
export function askPayment({ total, currency, done }) {
  const digits = decimals(currency);
  const methods = ['cash', 'card', 'wallet'];
  let method = 'cash';
  const givenNow = () => {
    const text = at('given')?.value.trim().replace(',', '.') ?? '';
    if (text === '') return total;
    return /^\d{1,9}([.]\d{1,3})?$/.test(text) ? Math.round(Number(text) * 10 ** digits) : null;
  };
  const drawChange = () => {
    const given = givenNow();
    const short = given !== null && given < total;
    const line = at('change');
    if (!line) return;
    line.className = short || given === null ? 'change short' : 'change';
    fill(line, given === null ? '' : short ? html`<span>${say('too_little', { amount: money(total - given, currency) })}</span>`
      : html`<span>${say('change')}</span><b>${money(given - total, currency)}</b>`);
  };
  const notes = () => [...new Set([100, 500, 1000, 2000, 5000, 10000].map((note) => Math.ceil(total / (note * 10 ** (digits - 2))) * note * 10 ** (digits - 2)))].filter((sum) => sum > total).slice(0, 3);
  const draw = () => {
    show(html`<h2>${say('pay')}</h2><p class="sum">${money(total, currency)}</p>
      <div class="choices across">${methods.map((name, number) => html`<button data-do="dialog_choose" data-arg="${name}" class="${name === method ? 'on' : ''}" aria-pressed="${name === method}"><kbd>${['←', '↔', '→'][number]}</kbd>${say(name)}</button>`)}</div>
      ${method === 'cash' ? html`<label>${say('given')}<input id="given" autocomplete="off" inputmode="decimal" placeholder="${money(total, currency)}"></label>
        <div class="notes"><button data-do="dialog_note" data-arg="">${say('exact')}</button>${notes().map((sum) => html`<button data-do="dialog_note" data-arg="${(sum / 10 ** digits).toFixed(digits)}">${money(sum, currency)}</button>`)}</div>
        <p id="change" class="change"></p>` : ''}${buttons('pay')}`, question);
    at('given')?.addEventListener('input', drawChange);
    drawChange();
  };
  const question = {
    read: () => {
      if (method !== 'cash') return { method, change: 0 };
      const given = givenNow();
      return given === null || given < total ? null : { method, change: given - total };
    },
    done,
    choose: (name) => { method = name; draw(); },
    note: (text) => { at('given').value = text; drawChange(); at('given').focus(); },
    key: (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return false;
      question.choose(methods[(methods.indexOf(method) + step + methods.length) % methods.length]);
      return true;
    },
  };
  draw();
}

export function note(text) { open?.note?.(text); }

export function tell({ title, paragraphs, done }) {
  show(html`<h2>${title}</h2>${paragraphs.map((text) => html`<p class="told">${text}</p>`)}
    <div class="answers"><button data-do="dialog_yes" class="yes"><kbd>F9</kbd>${say('ack')}</button></div>`, { read: () => true, done: done ?? (() => {}) });
}

