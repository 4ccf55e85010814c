// What a key or a touch does. Every act is a request to the agent; what comes of it arrives as a frame.
import * as dialogs from './dialogs.js';
import { voidable } from './basket.js';
import { isCase, isChoosing } from './goods.js';
import { openCase, parts } from './packing.js';
import { attempt, complain, redraw } from './asking.js';
import { call } from './link.js';
import { areaPath, stocktakeActs } from './stocktake.js';
import { shipActs } from './ship.js';
import { adjustActs } from './adjust.js';
import { changeDiscount, changePrice } from './override.js';
import { pay, printReceipt, refund } from './paying.js';
import { shiftActs } from './shift.js';
import { basket, state } from './state.js';
import { next, say, time } from './words.js';

const desk = () => (state.mode === 'return' ? '/v1/returns/basket' : '/v1/basket');
const selectedLine = () => basket()?.lines.find((line) => line.line === state.selected);
const selectedGoods = () => state.goods?.progress.find((entry) => entry.gtin === state.selected);
const selectedDraft = () => (state.draft?.draft.lines ?? []).find((line) => line.gtin === state.selected);

const selectedPart = () => parts().find((part) => part.key === state.selected);
const casePath = () => (state.mode === 'unpack' ? '/v1/unpacking' : '/v1/packing');
const isPacking = () => state.mode === 'pack' || state.mode === 'unpack';

function completeGoods() {
  const { receiving } = state.goods;
  const send = (choice) => attempt('POST', '/v1/receiving/complete', { receipt_advice_id: receiving.receipt_advice_id, complete: choice === 'all' });
  if (!receiving.despatch_id) return dialogs.askYes({ title: say('complete_title'), yes: 'complete', done: () => send('all') });
  return dialogs.askChoice({ title: say('complete_title'), choices: [['all', say('nothing_more')], ['part', say('more_awaited')]], yes: 'complete', done: send });
}

// The open case is written as it is; a whole case that comes apart is asked about first.
function completeCase() {
  const packs = state.mode === 'pack';
  const { draft } = openCase();
  if (!draft.sscc || (packs && !parts().length)) return null;
  const send = () => attempt('POST', `/v1/${packs ? 'packing' : 'unpacking'}/complete`, { document_id: draft.document_id });
  return packs || parts().length ? send() : dialogs.askYes({ title: say('unpack_title'), yes: 'unpack_it', done: send });
}

// A receipt is voided as a whole: what of it was on the return leaves it.
function voidReceipt(sold) {
  const { code } = state.last.scan;
  dialogs.askText({
    title: say('void_title', { receipt: sold.receipt }), label: say('reason'), yes: 'void',
    done: async (reason) => {
      if (!(await attempt('POST', '/v1/voids', { code, reason }))) return;
      const lines = basket().lines.filter((line) => line.sale_id === sold.sale_id);
      for (const line of lines) await attempt('DELETE', `/v1/returns/basket/lines/${line.line}`);
    },
  });
}

function setQuantity() {
  if (state.mode === 'pack' && !selectedPart()?.count) return;
  const line = state.mode === 'pack' ? { ...selectedPart(), quantity: selectedPart().count } : state.mode === 'receive' ? selectedGoods() : state.mode === 'reorder' ? selectedDraft() : selectedLine();
  if (!line) return;
  dialogs.askNumber({
    title: line.name || line.gtin,
    label: say('quantity'),
    value: line.quantity ?? line.received,
    done: (number) => {
      if (state.mode === 'pack') return attempt('PATCH', `/v1/packing/lines/${line.key}`, { quantity: number });
      if (state.mode === 'receive') return attempt('PATCH', `/v1/receiving/lines/${line.gtin}`, { quantity: number });
      if (state.mode === 'reorder') return attempt('PUT', `/v1/orders/draft/lines/${line.gtin}`, { quantity: number });
      return attempt('PATCH', `${desk()}/lines/${line.line}`, { quantity: number });
    },
  });
}

function setMoney(field, title) {
  const line = selectedLine();
  if (!line) return;
  dialogs.askMoney({
    title: line.name || line.gtin,
    label: say(title),
    minor: line[field],
    currency: basket().currency,
    done: (minor) => attempt('PATCH', `${desk()}/lines/${line.line}`, { [field]: minor }),
  });
}

function askAmount(scan) {
  dialogs.askMoney({
    title: scan.product?.name || scan.code.gtin,
    label: say('amount_title'),
    currency: state.status.currency,
    done: (minor) => attempt('POST', `${scan.mode === 'return' ? '/v1/returns' : '/v1'}/basket/lines`, { code: scan.scan.code, amount_minor: minor, confirmed: true }),
  });
}

// Where a scan goes that is told again with the answer to its question.
function tellAgain(scan, answer) {
  const path = { stocktake: () => `${areaPath()}/scans`, ship: () => '/v1/shipping/codes', adjust: () => '/v1/adjusting/scans' }[scan.mode];
  if (path) attempt('POST', path(), { code: scan.scan.code, ...answer });
}

function askQuantity(scan) {
  dialogs.askNumber({
    title: scan.product?.name || scan.code.gtin,
    label: `${say('quantity')} (${scan.product?.unit ?? ''})`,
    done: (number) => {
      state.refusals = state.refusals.filter((one) => one !== scan);
      tellAgain(scan, { quantity: number });
      redraw();
    },
  });
}

export function asked(scan) {
  if (dialogs.isOpen()) return;
  if (scan.question === 'amount' && ['sale', 'return'].includes(scan.mode)) askAmount(scan);
  if (scan.question === 'quantity') askQuantity(scan);
}

export const acts = {
  ...stocktakeActs,
  ...shipActs,
  ...shiftActs,
  ...adjustActs,
  mode: (mode) => attempt('PUT', '/v1/mode', { mode }),
  language: () => { next(); redraw(); },
  acknowledge: () => { state.refusals.shift(); redraw(); },
  sell_anyway: () => {
    const [scan] = state.refusals;
    if (scan?.question !== 'confirm') return;
    state.refusals.shift();
    attempt('POST', '/v1/basket/lines', { code: scan.scan.code, confirmed: true });
    redraw();
  },
  take_sealed: () => {
    const [scan] = state.refusals;
    if (scan?.question !== 'sealed') return;
    state.refusals.shift();
    attempt('POST', scan.mode === 'ship' ? '/v1/shipping/cases' : '/v1/receiving/cases', { sscc: scan.case.sscc, sealed: true });
    redraw();
  },
  count_uncoded: () => {
    const [scan] = state.refusals;
    if (scan?.question !== 'uncoded') return;
    state.refusals.shift();
    tellAgain(scan, { uncoded: true });
    redraw();
  },
  enter_quantity: () => { if (state.refusals[0]?.question === 'quantity') askQuantity(state.refusals[0]); },
  turn: () => attempt('PUT', '/v1/mode', { mode: state.mode === 'pack' ? 'unpack' : 'pack' }),
  select: (text) => { state.selected = ['sale', 'return'].includes(state.mode) ? Number(text) : text; redraw(); },
  quantity: setQuantity,
  price: () => (state.mode === 'sale' ? changePrice() : setMoney('amount_minor', 'price')),
  discount: changeDiscount,
  remove: () => {
    if (isPacking()) return selectedPart() && attempt('DELETE', `${casePath()}/parts/${encodeURIComponent(state.selected)}`);
    if (state.mode === 'receive') return isCase(state.selected) && attempt('DELETE', `/v1/receiving/cases/${state.selected}`);
    if (state.mode === 'reorder') return selectedDraft() && attempt('PUT', `/v1/orders/draft/lines/${state.selected}`, { quantity: '0' });
    return selectedLine() && attempt('DELETE', `${desk()}/lines/${state.selected}`);
  },
  clear: () => dialogs.askYes({ title: say('clear_title'), yes: 'clear', done: () => attempt('DELETE', isPacking() ? casePath() : '/v1/receiving') }),
  hold: () => attempt('POST', '/v1/basket/hold'),
  recall: async () => {
    const held = await attempt('GET', '/v1/baskets/held');
    if (held?.baskets.length) attempt('POST', '/v1/basket/recall', { basket_id: held.baskets.at(-1) });
  },
  complete: () => {
    if (state.mode === 'sale' && basket()?.lines.length) return pay();
    if (state.mode === 'return' && basket()?.lines.length) return refund();
    if (state.mode === 'receive' && !isChoosing()) return completeGoods();
    if (isPacking()) return completeCase();
    if (state.mode === 'reorder' && !state.orders && state.draft?.draft.lines?.length) {
      return dialogs.askText({ title: say('submit_title'), label: say('note'), yes: 'submit', optional: true, done: (text) => attempt('POST', '/v1/orders/draft/submit', { note: text || null }) });
    }
    return null;
  },
  against: (despatch) => {
    const id = despatch ?? state.selected ?? state.despatches[0]?.despatch_id;
    if (id) attempt('PUT', '/v1/receiving', { despatch_id: String(id) });
  },
  propose: () => attempt('POST', '/v1/orders/draft/proposal'),
  orders: async () => {
    state.selected = null;
    state.orders = state.orders ? null : (await attempt('GET', '/v1/orders'))?.orders ?? null;
    redraw();
  },
  cancel_order: () => {
    const entry = state.orders?.find(({ order }) => order.order_id === state.selected) ?? state.orders?.[0];
    if (!entry) return;
    dialogs.askText({
      title: `${say('cancel_order')}: ${entry.order.number}`, label: say('reason'), yes: 'cancel_order',
      done: async (reason) => {
        if (await attempt('POST', `/v1/orders/${entry.order.order_id}/cancel`, { reason })) { state.orders = (await call('GET', '/v1/orders')).orders; redraw(); }
      },
    });
  },
  void: () => {
    if (voidable()) { voidReceipt(voidable()); return; }
    const sold = state.completed;
    if (sold?.kind !== 'sale') return;
    dialogs.askText({
      title: say('void_title', { receipt: sold.number }), label: say('reason'), yes: 'void',
      done: (reason) => attempt('POST', `/v1/sales/${sold.document.sale_id}/void`, { reason }),
    });
  },
  print: printReceipt,
  type_code: () => dialogs.askText({ title: say('type_code'), label: say('code'), done: (code) => scan(code) }),
  notices: () => dialogs.tell({
    title: say('notices_title'),
    paragraphs: state.status.notices.map((notice) => `${time(notice.last_at_us)} · ${say(`notice_${notice.kind}`, notice) ?? notice.text}`),
    done: () => state.status.notices.forEach((notice) => attempt('DELETE', `/v1/notices/${notice.id}`)),
  }),
  dialog_yes: () => dialogs.confirm(),
  dialog_no: () => dialogs.close(),
  dialog_choose: (value) => dialogs.choose(value),
  dialog_note: (text) => dialogs.note(text),
};

// A scan by the keyboard; its verdict comes as a frame, like any other's.
// Told once more with the same id where no answer came: it counts once.
export async function scan(code) {
  const asked = { code, device: 'page', request_id: [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('') };
  try {
    return await call('POST', '/v1/scans', asked);
  } catch (error) {
    return error.key === 'no_agent' ? attempt('POST', '/v1/scans', asked) : complain(error);
  }
}
