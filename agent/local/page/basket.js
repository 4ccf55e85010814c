// Sale mode and return mode: the lines, the total, and what was completed last.
import { html, markup } from './dom.js';
import { icon } from './icons.js';
import { basket, state } from './state.js';
import { money, quantity, say } from './words.js';

// The part of an item's id that stands on its label in plain sight.
function serialOf(item) {
  return /^01\d{14}21/.test(item) ? item.slice(18) : item.slice(-14);
}

function about(line, currency) {
  const parts = [];
  if (line.list_price_minor != null && (Number(line.quantity) !== 1 || line.unit !== 'each')) parts.push(say('each', { price: money(line.price_minor ?? line.list_price_minor, currency) }));
  if (line.override) parts.push(html`<b class="changed">${say('overridden')}</b>${line.list_price_minor === null || line.price_minor === null ? '' : html` (${say('was_listed', { price: money(line.list_price_minor, currency) })})`}${line.override.authorised_by ? html` · ${say('allowed_by', { name: line.override.authorised_by })}` : ''}`);
  if (line.discount_minor) parts.push(say('discount', { amount: money(line.discount_minor, currency) }));
  if (line.receipt) parts.push(say('receipt', { receipt: line.receipt }));
  if (line.item) parts.push(html`<code>${serialOf(line.item)}</code>`);
  return parts.map((part, number) => html`${number ? ' · ' : ''}${part}`);
}

function sign(finding) {
  if (!finding) return '';
  const sure = finding.verdict === 'genuine' && finding.certain !== false;
  const look = sure ? 'good' : 'ask';
  const shape = sure ? 'good' : ['genuine', 'unverified'].includes(finding.verdict) ? 'unsettled' : 'ask';
  return html`<span class="sign ${look}">${markup(icon(shape))}${say(sure ? 'genuine' : finding.verdict === 'genuine' ? 'provisional' : finding.verdict)}</span>`;
}

function row(line, currency) {
  return html`<li class="line ${state.selected === line.line ? 'selected' : ''}" data-do="select" data-arg="${line.line}">
    <span class="count">${quantity(line.quantity)}<small>${line.unit === 'each' ? '' : line.unit}</small></span>
    <span class="what"><b>${line.name || line.gtin}</b><small>${sign(line.finding)}${about(line, currency)}</small></span>
    <span class="amount">${money(line.amount_minor, currency)}</span></li>`;
}

function finished(done) {
  const voided = done.kind === 'void';
  const title = voided ? say('voided') : done.kind === 'return' ? say('returned') : say('sold');
  const given = done.document.change_minor ?? 0;
  const change = given ? html`<p class="change"><span>${say('change')}</span><b>${money(given, done.document.currency)}</b></p>` : '';
  return html`<div class="finished ${voided ? 'ask' : 'good'}">${markup(icon(voided ? 'ask' : 'good'))}
    <h2>${title}</h2><p class="sum">${money(done.document.total_minor, done.document.currency ?? state.status?.currency)}</p>
    <p>${say('receipt', { receipt: done.number })}${done.document.disposition ? ` · ${say(done.document.disposition)}` : ''}</p>${change}
    ${done.kind === 'sale' ? html`<div class="answers"><button data-do="print"><kbd>B</kbd>${say('print')}</button><button data-do="void"><kbd>V</kbd>${say('void')}</button></div>` : ''}</div>`;
}

export function drawBasket() {
  const now = basket();
  const returning = state.mode === 'return';
  if (!now) return html``;
  const done = state.completed && ['sale', 'return', 'void'].includes(state.completed.kind) && now.lines.length === 0 ? finished(state.completed) : '';
  const count = now.lines.reduce((sum, line) => sum + (line.unit === 'each' ? Number(line.quantity) : 1), 0);
  return html`<header class="title"><h2>${say(returning ? 'returns' : 'basket')}</h2>
      ${now.member ? html`<span class="tag">${say('member_is', { member: now.member })}</span>` : ''}
      ${now.held ? html`<button class="tag" data-do="recall">${say('held_baskets', { n: now.held })}</button>` : ''}</header>
    ${done || (now.lines.length ? html`<ol class="lines" id="lines">${now.lines.map((line) => row(line, now.currency))}</ol>`
    : html`<div class="empty">${say(returning ? 'empty_return' : 'empty_basket')}</div>`)}
    <footer class="total"><div><small>${say(returning ? 'refund' : 'total')} · ${say('items', { n: quantity(count) })}</small>
      <b>${money(now.total_minor, now.currency)}</b></div>
      <button class="go" data-do="complete" ${now.lines.length ? '' : markup('disabled')}><kbd>F9</kbd>${say(returning ? 'take_back' : 'pay')}</button></footer>`;
}

// The sale of the item scanned last, while it can still be voided as a whole.
export function voidable() {
  const sold = state.mode === 'return' ? state.last?.sold : null;
  return sold?.void_until_us && sold.void_until_us > Date.now() * 1000 ? sold : null;
}

export function basketKeys() {
  const some = basket()?.lines.length > 0;
  const keys = [['F9', state.mode === 'return' ? 'take_back' : 'pay', 'complete', some], ['↑↓', 'select', null, some], ['Q', 'quantity', 'quantity', some], ['P', 'price', 'price', some]];
  if (state.mode === 'sale') keys.push(['D', 'discount_title', 'discount', some], ['H', 'hold', 'hold', some], ['R', 'recall', 'recall', basket()?.held > 0]);
  keys.push(['Del', 'remove', 'remove', some], ['/', 'type_code', 'type_code', true]);
  if (voidable()) keys.splice(1, 0, ['V', 'void_receipt', 'void', true]);
  if (state.completed?.kind === 'sale' && !some) keys.push(['V', 'void', 'void', true], ['B', 'print', 'print', true]);
  return keys;
}
