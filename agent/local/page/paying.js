// How a receipt is paid, how money goes back, and the receipt on paper.
import { attempt, tellQuietly } from './asking.js';
import * as dialogs from './dialogs.js';
import { at, fill, html } from './dom.js';
import { basket, state } from './state.js';
import { money, quantity, say, time } from './words.js';

export function pay() {
  const now = basket();
  dialogs.askPayment({
    total: now.total_minor,
    currency: now.currency,
    done: ({ method, tendered }) => {
      const payment = { method, amount_minor: now.total_minor, ...(tendered === null ? {} : { tendered_minor: tendered }) };
      attempt('POST', '/v1/basket/complete', { sale_id: now.basket_id, payments: now.total_minor || tendered ? [payment] : [] });
    },
  });
}

// Where the goods go, and how the money goes back: cash unless somebody says otherwise.
export function refund() {
  const now = basket();
  const methods = ['cash', 'card', 'wallet'];
  let method = 'cash';
  let disposition = 'restock';
  const question = {
    read: () => ({ method, disposition }),
    done: () => attempt('POST', '/v1/returns', { return_id: now.basket_id, disposition, refunds: now.total_minor ? [{ method, amount_minor: now.total_minor }] : [] }),
    choose: (value) => {
      if (methods.includes(value)) method = value;
      else disposition = value;
      draw();
    },
    key: (event) => {
      const across = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (across) method = methods[(methods.indexOf(method) + across + methods.length) % methods.length];
      else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') disposition = disposition === 'restock' ? 'quarantine' : 'restock';
      else return false;
      draw();
      return true;
    },
  };
  const button = (value, text, on) => html`<button data-do="dialog_choose" data-arg="${value}" class="${on ? 'on' : ''}" aria-pressed="${on}">${text}</button>`;
  const draw = () => dialogs.show(html`<h2>${say('take_back')}</h2><p class="sum">${money(now.total_minor, now.currency)}</p>
    <div class="choices across">${methods.map((name, number) => button(name, html`<kbd>${['←', '↔', '→'][number]}</kbd>${say(name)}`, name === method))}</div>
    <div class="choices">${['restock', 'quarantine'].map((name, number) => button(name, html`<kbd>${['↑', '↓'][number]}</kbd>${say(name)}`, name === disposition))}</div>${dialogs.buttons('take_back')}`, question);
  draw();
}

function paid(payment, currency) {
  const tendered = payment.tendered_minor === null || payment.tendered_minor === undefined ? ''
    : html`<tr><td></td><td>${say('given')}</td><td>${money(payment.tendered_minor, currency)}</td></tr><tr><td></td><td>${say('change')}</td><td>${money(payment.tendered_minor - payment.amount_minor, currency)}</td></tr>`;
  return html`<tr><td></td><td>${say(payment.method)}</td><td>${money(payment.amount_minor, currency)}</td></tr>${tendered}`;
}

// On the receipt printer where there is one, else by the browser.
export async function printReceipt() {
  if (state.completed?.kind !== 'sale') return;
  const path = `/v1/sales/${encodeURIComponent(state.completed.document.sale_id)}`;
  if (state.status.printer) {
    if (await attempt('POST', `${path}/print`)) tellQuietly(say('sent_to_printer'));
    return;
  }
  const sold = await attempt('GET', path);
  if (!sold) return;
  at('receipt').classList.remove('note');
  fill(at('receipt'), html`<h1>${state.status.site}</h1><p>${say('receipt', { receipt: sold.receipt })}<br>${time(sold.event_time_us)}</p>
    <table>${sold.sale.lines.map((line) => html`<tr><td>${quantity(line.quantity)} ×</td><td>${sold.names[line.gtin] || line.gtin}</td><td>${money(line.amount_minor, sold.currency)}</td></tr>`)}</table>
    <p class="sum">${say('total')} ${money(sold.total_minor, sold.currency)}</p><table>${(sold.sale.payments ?? []).map((payment) => paid(payment, sold.currency))}</table><p>${say('thanks')}</p>`);
  window.print();
}
