// Questions to the cashier: one at a time, answered by keys or by touch, closed by no scanner.
import { at, fill, html, markup } from './dom.js';
import { decimals, money, say } from './words.js';

let open = null; // { read, done, cancelled, key, enter, choose … } of the question that is open

export function show(content, question, look = '') {
  const dialog = at('dialog');
  dialog.className = `dialog ${look}`;
  fill(dialog, content);
  open = question;
  if (!dialog.open) dialog.showModal();
  const field = dialog.querySelector('input');
  (field ?? dialog.querySelector('.yes, .on'))?.focus();
  field?.select();
}

export function isOpen() { return open !== null; }

export function isAsking(question) { return open === question; }

export function close() {
  const question = open;
  open = null;
  at('dialog').close();
  at('dialog').filled = undefined;
  question?.cancelled?.();
}

// The answer that stands in the dialog now; it stays open if that is none.
export function confirm() {
  const answer = open?.read();
  if (answer === undefined || answer === null) {
    if (!(document.activeElement instanceof HTMLInputElement)) at('dialog').querySelector('input')?.focus();
    return;
  }
  const { done } = open;
  open = null; // answered, not cancelled
  close();
  done(answer);
}

export function key(event) {
  if (event.key === 'Escape') { close(); return true; }
  if (event.key === 'Enter' && open?.enter?.()) return true;
  if (event.key === 'Enter' || event.key === 'F9') { confirm(); return true; }
  return open?.key ? open.key(event) : false;
}

export function buttons(yes) {
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

// A menu: [value, key, text] each, chosen at once by its key or by touch.
export function askMenu({ title, about = '', entries, done }) {
  let chosen = 0;
  const question = {
    read: () => entries[chosen][0],
    done,
    choose: (value) => { chosen = entries.findIndex(([one]) => one === value); confirm(); },
    key: (event) => {
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      const named = entries.findIndex(([, key]) => key === event.key.toUpperCase());
      if (named >= 0) { chosen = named; confirm(); return true; }
      if (!step) return false;
      chosen = (chosen + step + entries.length) % entries.length;
      draw();
      return true;
    },
  };
  const draw = () => show(html`<h2>${title}</h2>${about ? html`<p class="told">${about}</p>` : ''}<div class="choices">${entries.map(([value, key, text], number) => html`
    <button data-do="dialog_choose" data-arg="${value}" class="${number === chosen ? 'on' : ''}"><kbd>${key}</kbd>${text}</button>`)}</div>
    <div class="answers"><button data-do="dialog_no"><kbd>Esc</kbd>${say('cancel')}</button></div>`, question);
  draw();
}

// Several fields at once: { id, label, value, kind } each, kind one of text, amount, secret; `chips` are words that fill the field `into`.
// The answer is an object by id; amounts are in minor units, null where the field is empty.
export function askFields({ title, about = '', fields, chips = null, yes = 'confirm', currency = '', done, cancelled = null, wrong = '' }) {
  const digits = currency ? decimals(currency) : 0;
  const amount = (text) => (/^\d{1,10}([.,]\d{1,3})?$/.test(text) ? Math.round(Number(text.replace(',', '.')) * 10 ** digits) : undefined);
  const question = {
    read: () => {
      const found = {};
      for (const field of fields) {
        const text = at(field.id).value.trim();
        const value = text === '' ? (field.optional ? null : undefined) : field.kind === 'amount' ? amount(text) : text;
        at(field.id).classList.toggle('wrong', value === undefined);
        if (value === undefined) { at(field.id).focus(); return null; }
        found[field.id] = value;
      }
      return found;
    },
    done,
    cancelled,
    choose: (word) => { at(chips.into).value = word; at(chips.into).focus(); },
    enter: () => {
      const empty = fields.find((field) => !field.optional && at(field.id).value.trim() === '');
      if (!empty) return false;
      at(empty.id).focus();
      return true;
    },
  };
  show(html`<h2>${title}</h2>${about ? html`<p class="told">${about}</p>` : ''}${fields.map((field) => html`
    <label>${field.label}<input id="${field.id}" autocomplete="off" ${field.kind === 'secret' ? markup('type="password"') : ''} inputmode="${field.kind === 'amount' ? 'decimal' : field.kind === 'secret' ? 'numeric' : 'text'}" value="${field.value ?? ''}"></label>
    ${chips?.into === field.id ? html`<div class="notes">${chips.words.map(([word, text]) => html`<button data-do="dialog_choose" data-arg="${word}">${text}</button>`)}</div>` : ''}`)}${wrong ? html`<p class="wrong" role="alert">${wrong}</p>` : ''}${buttons(yes)}`, question);
  return question;
}

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
      if (method !== 'cash') return { method, tendered: null };
      const given = givenNow();
      return given === null || given < total ? null : { method, tendered: given };
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

