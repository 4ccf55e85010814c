// Shifts and the cash in the drawer: the menu behind the till's name, the count, the reports.
import { attempt, complain, redraw, tellQuietly } from './asking.js';
import * as dialogs from './dialogs.js';
import { at, fill, html } from './dom.js';
import { call } from './link.js';
import { state } from './state.js';
import { decimals, money, quantity, say, time } from './words.js';

// What stands on coins and notes, in minor units, the largest first (as the issuing banks list them).
const pieces = {
  EUR: [20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1], CNY: [10000, 5000, 2000, 1000, 500, 100, 50, 10],
  USD: [10000, 5000, 2000, 1000, 500, 200, 100, 25, 10, 5, 1], GBP: [5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1],
  HKD: [100000, 50000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10], TWD: [200000, 100000, 50000, 10000, 5000, 1000, 500, 100],
  JPY: [10000, 5000, 1000, 500, 100, 50, 10, 5, 1], CHF: [100000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5],
};
const reasonsIn = ['change', 'correction'];
const reasonsOut = ['safe drop', 'petty cash', 'correction'];
const wordOf = (reason) => say(`cash_${reason.replace(' ', '_')}`) ?? reason;

const currency = () => state.status.currency;
const isOpen = () => Boolean(state.shift?.shift_id);

function values() {
  const digits = decimals(currency());
  const series = [1000, 500, 200, 100, 50, 20, 10, 5, 2, 1];
  return pieces[currency()] ?? series.map((value) => value * 10 ** digits);
}

// One line below the site's name: which till, whether a shift is open and since when, and who is there.
export function drawTill() {
  const shift = state.shift;
  const since = isOpen() ? say('shift_since', { time: time(shift.opened_at_us) }) : '';
  const open = isOpen() ? say('shift_short', { time: time(shift.opened_at_us) }) : say('no_shift_open');
  const look = isOpen() ? 'good' : shift?.required ? 'refuse' : 'quietly';
  return html`<span class="lane">${say('lane', { lane: state.status.lane })}</span><span class="shift ${look}" title="${since}">${open}</span>${shift?.clerk ? html`<span class="clerk">${shift.clerk}</span>` : ''}`;
}

function menu() {
  const entries = isOpen() ? [['close_shift', 'C', say('close_shift')]] : [['open_shift', 'S', say('open_shift')]];
  entries.push(['cash_in', 'I', say('cash_in')], ['cash_out', 'O', say('cash_out')]);
  entries.push(isOpen() ? ['shift_report', 'X', say('report_x')] : ['last_report', 'Z', say('report_z')]);
  if (state.status.printer?.drawer) entries.push(['open_drawer', 'D', say('open_drawer')]);
  entries.push(['name_clerk', 'K', say('clerk_is', { clerk: state.shift?.clerk ?? '–' })], ['adjust_stock', 'J', say('adjust_stock')]);
  const about = isOpen() ? `${state.shift.number} · ${say('shift_since', { time: time(state.shift.opened_at_us) })}` : say('no_shift_open');
  dialogs.askMenu({ title: say('till_menu'), about, entries, done: (name) => shiftActs[name]() });
}

function openShift() {
  dialogs.askFields({
    title: say('open_shift'), currency: currency(), yes: 'open_shift',
    fields: [{ id: 'float', label: say('float'), kind: 'amount' }, { id: 'clerk', label: say('clerk'), value: state.shift?.clerk ?? '', optional: true }],
    done: ({ float, clerk }) => attempt('POST', '/v1/shifts/open', { float_minor: float, clerk }),
  });
}

function moveCash(sign) {
  const reasons = sign > 0 ? reasonsIn : reasonsOut;
  dialogs.askFields({
    title: say(sign > 0 ? 'cash_in' : 'cash_out'), currency: currency(), yes: sign > 0 ? 'cash_in' : 'cash_out',
    fields: [{ id: 'moved', label: say('amount'), kind: 'amount' }, { id: 'why', label: say('reason') }],
    chips: { into: 'why', words: reasons.map((reason) => [wordOf(reason), wordOf(reason)]) },
    done: ({ moved, why }) => attempt('POST', '/v1/cash-moves', { amount_minor: sign * moved, reason: reasons.find((reason) => wordOf(reason) === why) ?? why }),
  });
}

// -- the count ----------------------------------------------------------------------------------------------------------

// Coins and notes one by one, or the sum; what the terminals tell beside it. What should be there is told afterwards.
function countDrawer() {
  const { shift_id: shiftId } = state.shift;
  const digits = decimals(currency());
  const amount = (text) => (/^\d{1,10}([.,]\d{1,3})?$/.test(text) ? Math.round(Number(text.replace(',', '.')) * 10 ** digits) : undefined);
  const countOf = (value) => at(`piece-${value}`)?.value.trim() ?? '';
  const inPieces = () => values().some((value) => countOf(value) !== '');
  const sum = () => values().reduce((all, value) => all + value * Number(countOf(value) || 0), 0);
  const isSound = () => values().every((value) => /^\d{0,6}$/.test(countOf(value)));
  const drawSum = () => {
    const cash = at('cash-sum');
    cash.disabled = inPieces();
    if (inPieces()) cash.value = isSound() ? (sum() / 10 ** digits).toFixed(digits) : '';
  };
  const fieldsInOrder = () => [...document.querySelectorAll('#dialog input:not(:disabled)')];
  const question = {
    read: () => {
      if (!isSound()) return null;
      const cash = inPieces() ? sum() : amount(at('cash-sum').value.trim());
      const others = ['card', 'wallet'].map((method) => [method, at(`counted-${method}`).value.trim()]).filter(([, text]) => text !== '').map(([method, text]) => ({ method, amount_minor: amount(text) }));
      if (cash === undefined) { at('cash-sum').focus(); return null; }
      if (others.some((one) => one.amount_minor === undefined)) return null;
      return { cash, others, denominations: Object.fromEntries(inPieces() ? values().filter((value) => Number(countOf(value)) > 0).map((value) => [value, Number(countOf(value))]) : []) };
    },
    enter: () => {
      const all = fieldsInOrder();
      const next = all[all.indexOf(document.activeElement) + 1];
      next?.focus();
      next?.select();
      return Boolean(next);
    },
    done: (found) => dialogs.askYes({
      title: say('close_title', { amount: money(found.cash, currency()) }), about: say('close_about'), yes: 'close_shift',
      done: () => closeShift(shiftId, found),
    }),
  };
  dialogs.show(html`<h2>${say('count_title')}</h2><p class="told">${say('count_about')}</p>
    <div class="counts"><div class="pieces">${values().map((value) => html`<label><span>${money(value, currency())}</span><input id="piece-${value}" inputmode="numeric" autocomplete="off" maxlength="6"></label>`)}</div>
      <div class="sums"><label>${say('cash_in_drawer')}<input id="cash-sum" inputmode="decimal" autocomplete="off"></label>
        ${['card', 'wallet'].map((method) => html`<label>${say('told_by', { method: say(method) })}<input id="counted-${method}" inputmode="decimal" autocomplete="off" placeholder="${say('not_counted')}"></label>`)}</div></div>
    ${dialogs.buttons('close_shift')}`, question, 'wide');
  at('dialog').querySelectorAll('.pieces input').forEach((field) => field.addEventListener('input', drawSum));
}

async function closeShift(shiftId, { cash, others, denominations }) {
  const byPieces = Object.keys(denominations).length > 0;
  const counted = [...(byPieces ? [] : [{ method: 'cash', amount_minor: cash }]), ...others];
  const told = await attempt('POST', '/v1/shifts/close', { shift_id: shiftId, counted, denominations });
  if (told) showReport(told.report);
}

// -- reports ------------------------------------------------------------------------------------------------------------

const signed = (minor, report) => (minor > 0 ? '+' : '') + money(minor, report.currency);

function methodRows(report) {
  return report.methods.map((line) => {
    const off = line.counted_minor === null ? null : line.counted_minor - line.expected_minor;
    return html`<tr><th>${say(line.method)}</th><td>${money(line.taken_minor, report.currency)}</td><td>${money(line.expected_minor, report.currency)}</td>
      <td>${line.counted_minor === null ? '' : money(line.counted_minor, report.currency)}</td><td class="${off ? 'off' : ''}">${off === null ? '' : signed(off, report)}</td></tr>`;
  });
}

function figures(report) {
  const sum = (name, count, minor, sign = 1) => html`<tr><th>${say(name)}</th><td>${count === '' ? '' : quantity(count)}</td><td>${minor === null ? '' : money(minor && sign * minor, report.currency)}</td></tr>`;
  return html`<table class="figures">${sum('sales_made', report.sales, report.sold_minor)}${sum('voids_made', report.voids, report.voided_minor, -1)}${sum('returns_made', report.returns, report.returned_minor, -1)}
    ${report.discounted_minor ? sum('discounts_given', '', report.discounted_minor, -1) : ''}${report.overridden ? sum('prices_changed', report.overridden, null) : ''}
    ${sum('float', '', report.float_minor)}${report.moves.map((move) => html`<tr><th>${wordOf(move.reason)}</th><td>${move.times > 1 ? quantity(move.times) : ''}</td><td>${money(move.amount_minor, report.currency)}</td></tr>`)}</table>
    ${report.sold_minor === null ? html`<p class="told">${say('report_blind')}</p>` : html`<table class="methods"><tr><th></th><td>${say('taken')}</td><td>${say('should_be')}</td><td>${say('found_there')}</td><td>${say('difference')}</td></tr>${methodRows(report)}</table>`}`;
}

function head(report) {
  return `${report.number} · ${time(report.opened_at_us)} – ${time(report.at_us)}${report.clerk ? ` · ${report.clerk}` : ''}`;
}

function showReport(report) {
  const isBlind = report.sold_minor === null;
  const question = {
    read: () => true,
    done: () => {},
    key: (event) => {
      if (event.key.toUpperCase() === 'B') { print(report); return true; }
      if (isBlind && event.key.toUpperCase() === 'A') { unveil(); return true; }
      return false;
    },
    choose: (name) => (name === 'print' ? print(report) : unveil()),
  };
  dialogs.show(html`<h2>${say(report.is_closed ? 'report_z' : 'report_x')}</h2><p class="told">${head(report)}</p>${figures(report)}
    <div class="answers">${isBlind ? html`<button data-do="dialog_choose" data-arg="unveil"><kbd>A</kbd>${say('all_figures')}</button>` : ''}
      <button data-do="dialog_choose" data-arg="print"><kbd>B</kbd>${say('print')}</button><button data-do="dialog_yes" class="yes"><kbd>F9</kbd>${say('ack')}</button></div>`, question, 'wide report');
}

function unveil() {
  dialogs.askFields({
    title: say('supervisor_wanted'), fields: [{ id: 'pin', label: say('pin'), kind: 'secret' }],
    done: async ({ pin }) => {
      const report = await attempt('POST', '/v1/shifts/current/report', { authorisation: pin });
      if (report) showReport(report);
    },
  });
}

// On the printer where there is one: a closed shift from the journal, an open one as it stands now; else by the browser.
async function print(report) {
  if (state.status.printer) {
    const told = await attempt('POST', `/v1/shifts/${report.is_closed ? encodeURIComponent(report.shift_id) : 'current'}/print`, {});
    if (told) tellQuietly(say('sent_to_printer'));
    return;
  }
  at('receipt').classList.remove('note');
  fill(at('receipt'), html`<h1>${state.status.site}</h1><p>${say(report.is_closed ? 'report_z' : 'report_x')}<br>${head(report)}</p>${figures(report)}`);
  window.print();
}

async function fetchReport(path) {
  try {
    showReport(await call('GET', path));
  } catch (error) { complain(error); }
}

export const shiftActs = {
  till: menu,
  open_shift: openShift,
  close_shift: countDrawer,
  cash_in: () => moveCash(1),
  cash_out: () => moveCash(-1),
  shift_report: () => fetchReport('/v1/shifts/current/report'),
  last_report: () => fetchReport('/v1/shifts/latest/report'),
  open_drawer: () => dialogs.askText({ title: say('open_drawer'), label: say('reason'), done: (reason) => attempt('POST', '/v1/drawer/open', { reason }) }),
  name_clerk: () => dialogs.askText({ title: say('clerk'), label: say('clerk_name'), value: state.shift?.clerk ?? '', optional: true, done: (clerk) => attempt('PUT', '/v1/clerk', { clerk: clerk || null }) }),
  adjust_stock: () => { attempt('PUT', '/v1/mode', { mode: 'adjust' }); redraw(); },
};
