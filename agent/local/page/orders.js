// Reorder mode: the order being written, and the orders with central's answers.
import { html, markup } from './dom.js';
import { state } from './state.js';
import { quantity, say, time } from './words.js';

const good = new Set(['accepted', 'allocated', 'despatched', 'received', 'closed']);
const bad = new Set(['refused', 'cancelled', 'held']);

export function stateWord(name) { return say(name === 'submitted' ? 'order_submitted_state' : `order_${name}`) ?? name; }

function draftRow(line) {
  return html`<li class="line ${state.selected === line.gtin ? 'selected' : ''}" data-do="select" data-arg="${line.gtin}">
    <span class="count">${quantity(line.quantity)}</span>
    <span class="what"><b>${line.name || line.gtin}</b><small>${line.gtin}</small></span>
    <span class="amount">${line.proposed ? html`<span class="sign quietly">${say('proposed', { n: quantity(line.proposed) })}</span>` : ''}</span></li>`;
}

function orderRow(entry) {
  const { order } = entry;
  const look = good.has(order.state) ? 'good' : bad.has(order.state) ? 'refuse' : 'ask';
  const answer = entry.answered ? '' : ` · ${say('not_answered')}`;
  const asked = entry.cancel_asked && order.state !== 'cancelled' ? ` · ${say('cancel_asked')}` : '';
  return html`<li class="line plain ${state.selected === order.order_id ? 'selected' : ''}" data-do="select" data-arg="${order.order_id}">
    <span class="what"><b>${order.number}</b><small>${time(order.submitted_at_us)} · ${say('lines', { n: order.lines.length })}${answer}${asked}${order.reason ? ` · ${order.reason}` : ''}</small></span>
    <span class="amount"><span class="chip ${look}">${stateWord(order.state)}</span></span></li>`;
}

export function drawOrders() {
  if (state.orders) {
    return html`<header class="title"><h2>${say('orders')}</h2></header>
      ${state.orders.length ? html`<ol class="lines" id="lines">${state.orders.map(orderRow)}</ol>` : html`<div class="empty">${say('no_orders')}</div>`}
      <footer class="total"><div></div><button class="go quiet" data-do="orders"><kbd>O</kbd>${say('back')}</button></footer>`;
  }
  const lines = state.draft?.draft.lines ?? [];
  const done = state.completed?.kind === 'order' && !lines.length ? html`<span class="tag good">${say('order_submitted')} ${state.completed.number}</span>` : '';
  return html`<header class="title"><h2>${say('order')}</h2>${done}<button class="tag" data-do="orders">${say('orders')}</button></header>
    ${lines.length ? html`<ol class="lines" id="lines">${lines.map(draftRow)}</ol>` : html`<div class="empty">${say('empty_order')}</div>`}
    <footer class="total"><div><small>${say('order')}</small><b>${say('lines', { n: lines.length })}</b></div>
      <button class="go quiet" data-do="propose"><kbd>G</kbd>${say('propose')}</button>
      <button class="go" data-do="complete" ${lines.length ? '' : markup('disabled')}><kbd>F9</kbd>${say('submit')}</button></footer>`;
}

export function ordersKeys() {
  if (state.orders) return [['↑↓', 'select', null, true], ['Del', 'cancel_order', 'cancel_order', state.orders.length > 0], ['O', 'back', 'orders', true]];
  const some = (state.draft?.draft.lines ?? []).length > 0;
  return [['F9', 'submit', 'complete', some], ['G', 'propose', 'propose', true], ['↑↓', 'select', null, some], ['Q', 'quantity', 'quantity', some], ['Del', 'remove', 'remove', some], ['O', 'orders', 'orders', true], ['/', 'type_code', 'type_code', true]];
}
