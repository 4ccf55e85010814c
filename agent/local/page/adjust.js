// Adjust mode: goods that are gone or were found, with the reason.
import { attempt } from './asking.js';
import * as dialogs from './dialogs.js';
import { html, markup } from './dom.js';
import { caseIcon, grouped, held } from './packing.js';
import { state } from './state.js';
import { quantity, say } from './words.js';

const now = () => state.adjusting?.adjusting ?? {};
const lines = () => [...(now().tally?.lines ?? [])].reverse();
const cases = () => [...(now().tally?.cases ?? [])].reverse();
const isChoosing = () => !now().reason;
const some = () => lines().length + cases().length > 0;
const nameOf = (gtin) => state.adjusting.names[gtin] || gtin;
const selectedLine = () => lines().find((line) => line.gtin === state.selected);

export function adjustChoices() {
  return isChoosing() ? [] : [...cases().map((one) => one.sscc), ...lines().map((line) => line.gtin)];
}

function lineRow(line) {
  const coded = (line.items ?? []).length;
  return html`<li class="line ${state.selected === line.gtin ? 'selected' : ''}" data-do="select" data-arg="${line.gtin}">
    <span class="count">${quantity(line.quantity)}</span><span class="what"><b>${nameOf(line.gtin)}</b><small>${line.gtin}${coded ? ` · ${say('by_code', { n: coded })}` : ''}</small></span><span class="amount"></span></li>`;
}

function caseRow(one) {
  return html`<li class="line ${state.selected === one.sscc ? 'selected' : ''}" data-do="select" data-arg="${one.sscc}">
    <span class="count">${caseIcon()}</span><span class="what"><b>${grouped(one.sscc)}</b><small>${held(one.lines.map((line) => ({ ...line, name: nameOf(line.gtin) })))}</small></span><span class="amount"></span></li>`;
}

export function drawAdjust() {
  if (!state.adjusting) return html``;
  const { reason } = now();
  const done = state.completed?.kind === 'adjustment' ? html`<span class="tag good">${say('adjusted', { number: state.completed.number })}</span>` : '';
  if (isChoosing()) {
    return html`<header class="title"><h2>${say('adjust_stock')}</h2>${done}</header>
      <div class="choices reasons">${state.adjusting.reasons.map((name, number) => html`<button data-do="choose_reason" data-arg="${name}" class="${name === 'found' ? 'good' : ''}"><kbd>${number + 1}</kbd>${say(`reason_${name}`)}</button>`)}</div>`;
  }
  return html`<header class="title"><h2>${say('adjust_stock')}</h2><button class="tag ${reason === 'found' ? 'good' : 'refuse'}" data-do="reason">${say(`reason_${reason}`)}</button></header>
    ${some() ? html`<ol class="lines" id="lines">${cases().map(caseRow)}${lines().map(lineRow)}</ol>` : html`<div class="empty">${say('empty_adjusting')}</div>`}
    <footer class="total"><div><small>${say(reason === 'found' ? 'comes_onto' : 'goes_off')}</small><b>${reason === 'found' ? '+' : '−'}${quantity(state.adjusting.pieces)}</b></div>
      <button class="go" data-do="adjust" ${some() ? '' : markup('disabled')}><kbd>F9</kbd>${say('adjust_it')}</button></footer>`;
}

export function adjustKeys() {
  if (isChoosing()) return (state.adjusting?.reasons ?? []).map((name, number) => [String(number + 1), `reason_${name}`, `reason_${number + 1}`, true]);
  return [['F9', 'adjust_it', 'adjust', some()], ['↑↓', 'select', null, some()], ['Q', 'quantity', 'adjust_quantity', Boolean(selectedLine())], ['U', 'undo', 'undo_adjust', state.adjusting.can_undo],
    ['Del', 'remove', 'remove_adjust', some()], ['W', 'another_reason', 'reason', true], ['C', 'clear', 'clear_adjust', true], ['/', 'type_code', 'type_code', true]];
}

const choose = (reason) => attempt('PUT', '/v1/adjusting', { reason });

export const adjustActs = {
  choose_reason: choose,
  ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => [`reason_${number}`, () => choose(state.adjusting.reasons[number - 1])])),
  reason: () => dialogs.askMenu({ title: say('another_reason'), entries: state.adjusting.reasons.map((name, number) => [name, String(number + 1), say(`reason_${name}`)]), done: choose }),
  adjust: () => {
    if (!some()) return;
    const { adjustment_id: id, reason } = now();
    const pieces = quantity(state.adjusting.pieces);
    dialogs.askYes({ title: say(reason === 'found' ? 'adjust_found_title' : 'adjust_title', { n: pieces, reason: say(`reason_${reason}`) }), yes: 'adjust_it', done: () => attempt('POST', '/v1/adjusting/complete', { adjustment_id: id }) });
  },
  adjust_quantity: () => { const line = selectedLine(); if (line) dialogs.askNumber({ title: nameOf(line.gtin), label: say('quantity'), value: line.quantity, done: (number) => attempt('PATCH', `/v1/adjusting/lines/${line.gtin}`, { quantity: number }) }); },
  undo_adjust: () => attempt('POST', '/v1/adjusting/undo'),
  remove_adjust: () => { if (state.selected) attempt('DELETE', `/v1/adjusting/parts/${encodeURIComponent(state.selected)}`); },
  clear_adjust: () => dialogs.askYes({ title: say('clear_title'), yes: 'clear', done: () => attempt('DELETE', '/v1/adjusting') }),
};
