// Receive mode: what was announced against what has been counted.
import { html, markup } from './dom.js';
import { icon } from './icons.js';
import { caseIcon, grouped, held } from './packing.js';
import { state } from './state.js';
import { quantity, say, time } from './words.js';

function difference(entry) {
  if (entry.announced === null) return '';
  const missing = Number(entry.announced) - Number(entry.received);
  if (missing === 0) return html`<span class="sign good">${markup(icon('good'))}${say('complete_ok')}</span>`;
  if (missing > 0) return html`<span class="sign quietly">${say('missing', { n: quantity(missing) })}</span>`;
  return html`<span class="sign ask">${markup(icon('ask'))}${say('surplus', { n: quantity(-missing) })}</span>`;
}

function row(entry) {
  const surprising = entry.announced === null && state.goods.receiving.despatch_id;
  return html`<li class="line ${state.selected === entry.gtin ? 'selected' : ''}" data-do="select" data-arg="${entry.gtin}">
    <span class="count wide">${quantity(entry.received)}${entry.announced === null ? '' : html`<small> / ${quantity(entry.announced)}</small>`}</span>
    <span class="what"><b>${entry.name || entry.gtin}</b><small>${entry.gtin}</small></span>
    <span class="amount">${surprising ? html`<span class="sign ask">${markup(icon('ask'))}${say('surplus', { n: quantity(entry.received) })}</span>` : difference(entry)}</span></li>`;
}

function caseRow(entry) {
  const pieces = Object.entries(entry.pieces ?? {}).map(([gtin, count]) => ({ gtin, quantity: count, name: state.goods.progress.find((line) => line.gtin === gtin)?.name }));
  const count = pieces.reduce((sum, line) => sum + Number(line.quantity), 0);
  const inner = entry.cases ? ` · ${say('in_cases', { n: quantity(entry.cases) })}` : '';
  return html`<li class="line ${state.selected === entry.sscc ? 'selected' : ''}" data-do="select" data-arg="${entry.sscc}">
    <span class="count wide">${caseIcon()}</span>
    <span class="what"><b>${grouped(entry.sscc)}</b><small>${pieces.length ? held(pieces) + inner : say('sealed_case')}</small></span>
    <span class="amount">${pieces.length ? say('pieces', { n: quantity(count) }) : html`<span class="sign ask">${markup(icon('ask'))}${say('sealed')}</span>`}</span></li>`;
}

function chooser() {
  if (!state.despatches.length) return html`<div class="empty">${say('no_despatches')}</div>`;
  return html`<ol class="lines" id="lines">${state.despatches.map((despatch) => html`
    <li class="line ${state.selected === despatch.despatch_id ? 'selected' : ''}" data-do="against" data-arg="${despatch.despatch_id}">
      <span class="count wide"><small>${say('lines', { n: despatch.lines.length })}</small></span>
      <span class="what"><b>${say('despatch_of', { site: despatch.from_site })}</b><small>${despatch.despatched_at_us ? time(despatch.despatched_at_us) : ''}</small></span>
      <span class="amount">${say('pieces', { n: quantity(despatch.lines.reduce((sum, line) => sum + Number(line.quantity), 0)) })}</span></li>`)}</ol>`;
}

export function isChoosing() {
  const receiving = state.goods?.receiving;
  return Boolean(receiving && !receiving.despatch_id && !(receiving.lines ?? []).length && !(receiving.cases ?? []).length);
}

export function countedCases() { return state.goods?.receiving.cases ?? []; }

export function isCase(selected) { return countedCases().some((entry) => entry.sscc === selected); }

export function drawGoods() {
  if (!state.goods) return html``;
  const { receiving, progress } = state.goods;
  const against = state.despatches.find((despatch) => despatch.despatch_id === receiving.despatch_id);
  const counted = progress.reduce((sum, entry) => sum + Number(entry.received), 0);
  const announced = progress.reduce((sum, entry) => sum + Number(entry.announced ?? 0), 0);
  const done = isChoosing() && state.completed?.kind === 'receiving' ? html`<span class="tag good">${say('goods_received')} ${state.completed.number}</span>` : '';
  return html`<header class="title"><h2>${isChoosing() ? say('despatches') : say('receiving')}</h2>${done}
      ${against ? html`<span class="tag">${say('against', { site: against.from_site })}</span>` : isChoosing() ? '' : html`<span class="tag">${say('blind')}</span>`}</header>
    ${isChoosing() ? chooser() : html`<ol class="lines" id="lines">${countedCases().map(caseRow)}${progress.map(row)}</ol>`}
    <footer class="total"><div><small>${say('counted')}</small><b>${quantity(counted)}${announced ? html`<small> / ${quantity(announced)}</small>` : ''}</b></div>
      <button class="go" data-do="complete" ${isChoosing() ? markup('disabled') : ''}><kbd>F9</kbd>${say('complete')}</button></footer>`;
}

export function goodsKeys() {
  if (isChoosing()) return [['↑↓', 'select', null, state.despatches.length > 0], ['Enter', 'choose', 'against', state.despatches.length > 0], ['/', 'type_code', 'type_code', true]];
  return [['F9', 'complete', 'complete', true], ['↑↓', 'select', null, true], ['Q', 'quantity', 'quantity', !isCase(state.selected)],
    isCase(state.selected) ? ['Del', 'remove', 'remove', true] : ['Del', 'clear', 'clear', true], ['/', 'type_code', 'type_code', true]];
}
