// The till page. It shows what the agent tells and asks the agent to act; it decides nothing, and closing it loses nothing.
import { acts, asked, scan } from './acts.js';
import { adjustChoices, adjustKeys, drawAdjust } from './adjust.js';
import { complain, onChange } from './asking.js';
import { drawBar, modes } from './bar.js';
import { basketKeys, drawBasket } from './basket.js';
import { detailsKeys, drawDetails } from './details.js';
import * as dialogs from './dialogs.js';
import { at, fill, html, markup } from './dom.js';
import { countedCases, drawGoods, goodsKeys, isChoosing } from './goods.js';
import { watch } from './keys.js';
import { call, listen } from './link.js';
import { drawOrders, ordersKeys } from './orders.js';
import { authorisation } from './override.js';
import { drawPacking, packingKeys, parts } from './packing.js';
import { drawShip, fetchSites, shipChoices, shipKeys } from './ship.js';
import { basket, state } from './state.js';
import { drawStocktake, fetchStocktakes, stocktakeChoices, stocktakeKeys } from './stocktake.js';
import { play, wake } from './tones.js';
import { drawVerdict, lookOf, stays } from './verdict.js';
import { begin, say } from './words.js';

const TRAIL_LENGTH = 6;
const views = {
  sale: { draw: drawBasket, keys: basketKeys },
  return: { draw: drawBasket, keys: basketKeys },
  verify: { draw: drawDetails, keys: detailsKeys },
  receive: { draw: drawGoods, keys: goodsKeys },
  reorder: { draw: drawOrders, keys: ordersKeys },
  pack: { draw: drawPacking, keys: packingKeys },
  unpack: { draw: drawPacking, keys: packingKeys },
  stocktake: { draw: drawStocktake, keys: stocktakeKeys },
  ship: { draw: drawShip, keys: shipKeys },
  adjust: { draw: drawAdjust, keys: adjustKeys },
};

function keysNow() {
  if (state.refusals.length) {
    const question = state.refusals[0].question === 'confirm';
    const asks = { sealed: ['Y', state.refusals[0].mode === 'ship' ? 'send_sealed' : 'take_sealed', 'take_sealed', true], uncoded: ['Y', 'count_uncoded', 'count_uncoded', true], quantity: ['Q', 'enter_quantity', 'enter_quantity', true] }[state.refusals[0].question];
    if (asks) return [asks, ['Esc', 'leave_it', 'acknowledge', true]];
    return question ? [['Y', 'sell_anyway', 'sell_anyway', true], ['Esc', 'not_sell', 'acknowledge', true]] : [['Esc', 'ack', 'acknowledge', true]];
  }
  return views[state.mode].keys();
}

function draw() {
  drawBar();
  drawVerdict();
  at('board').className = `board mode-${state.mode}`;
  fill(at('work'), views[state.mode].draw());
  fill(at('keys'), [...keysNow().filter(([key, , , possible]) => possible || key === 'F9').map(([key, word, act, possible]) => html`<button ${act ? markup(`data-do="${act}"`) : ''} ${possible ? '' : markup('disabled')}><kbd>${key}</kbd>${say(word)}</button>`),
    html`<span class="modes-hint"><kbd>F1</kbd>…<kbd>F10</kbd>${say('switch_mode')}</span>`]);
  document.querySelector('.line.selected')?.scrollIntoView({ block: 'nearest' });
}
onChange(() => { if (latestFirst.has(state.mode)) keepSelection(); draw(); });

const latestFirst = new Set(['stocktake', 'ship', 'adjust']);
const isPacking = () => state.mode === 'pack' || state.mode === 'unpack';

function choices() {
  if (state.mode === 'receive') return isChoosing() ? state.despatches.map((entry) => entry.despatch_id) : [...countedCases().map((entry) => entry.sscc), ...(state.goods?.progress.map((entry) => entry.gtin) ?? [])];
  if (isPacking()) return parts().map((part) => part.key);
  if (state.mode === 'stocktake') return stocktakeChoices();
  if (state.mode === 'ship') return shipChoices();
  if (state.mode === 'adjust') return adjustChoices();
  if (state.mode === 'reorder') return state.orders ? state.orders.map(({ order }) => order.order_id) : (state.draft?.draft.lines ?? []).map((line) => line.gtin);
  return basket()?.lines.map((line) => line.line) ?? [];
}

function step(by) {
  const all = choices();
  if (!all.length) return;
  const now = all.indexOf(state.selected);
  state.selected = now < 0 ? all.at(by > 0 ? 0 : -1) : all[Math.min(Math.max(now + by, 0), all.length - 1)];
  draw();
}

function keepSelection() {
  const all = choices();
  if (!all.includes(state.selected)) state.selected = ((state.mode === 'receive' && isChoosing()) || isPacking() || latestFirst.has(state.mode) ? all[0] : all.at(-1)) ?? null;
}

const takes = {
  status(frame) {
    if (!state.status) begin(frame.language);
    const moved = frame.feeds.stocktakes?.version !== state.status?.feeds.stocktakes?.version;
    state.status = frame;
    if (moved && state.mode === 'stocktake') fetchStocktakes();
    state.statusAt = performance.now();
  },
  mode(frame) {
    if (frame.mode !== state.mode) { state.last = null; state.selected = null; state.orders = null; state.completed = null; state.refusals = []; state.missing = null; state.choosing = false; }
    state.mode = frame.mode;
    if (frame.mode === 'receive') fetchDespatches();
    if (frame.mode === 'stocktake') fetchStocktakes();
    if (frame.mode === 'ship') fetchSites();
  },
  added(frame) { takes.scan(frame.shown); },
  basket(frame) { state.baskets[frame.kind] = frame; keepSelection(); },
  receiving(frame) {
    const chose = frame.receiving.despatch_id !== state.goods?.receiving.despatch_id;
    state.goods = frame;
    if (chose && state.mode === 'receive') fetchDespatches();
    keepSelection();
  },
  packing(frame) { state.cases[frame.kind] = frame; keepSelection(); },
  stocktake(frame) {
    const isElsewhere = frame.stocktake_id !== state.counting?.stocktake_id || frame.area !== state.counting?.area;
    state.counting = frame;
    if (state.mode === 'stocktake' && (isElsewhere || state.missing)) fetchStocktakes();
    keepSelection();
  },
  shipping(frame) { state.shipping = frame; keepSelection(); },
  adjusting(frame) { state.adjusting = frame; keepSelection(); },
  shift(frame) { state.shift = frame; },
  authorisation,
  order_draft(frame) { state.draft = frame; keepSelection(); },
  completed(frame) {
    state.completed = frame;
    state.last = null;
    if (frame.kind === 'receiving') fetchDespatches();
    if (frame.kind === 'count' && state.mode === 'stocktake') fetchStocktakes();
  },
  scan(frame) {
    state.last = frame;
    state.completed = null;
    state.trail = [frame, ...state.trail].slice(0, TRAIL_LENGTH);
    if (stays(frame)) state.refusals.push(frame);
    if (frame.line !== null) state.selected = frame.line;
    else if (frame.outcome === 'packed') state.selected = null; // the latest, which stands on top
    else if (frame.outcome === 'counted' || frame.outcome === 'loaded') state.selected = frame.case?.sscc ?? (frame.outcome === 'loaded' ? frame.code?.item : null) ?? frame.product?.gtin ?? frame.code?.gtin ?? null;
    else if (frame.case && frame.mode === 'receive') state.selected = frame.case.sscc;
    else if (frame.code?.gtin && (frame.mode === 'receive' || frame.mode === 'reorder')) state.selected = frame.code.gtin;
    play(lookOf(frame));
    asked(frame);
  },
};

async function fetchDespatches() {
  try {
    state.despatches = (await call('GET', '/v1/despatches')).despatches;
    keepSelection();
    draw();
  } catch (error) { complain(error); }
}

function command(event) {
  wake();
  if (dialogs.isOpen()) return dialogs.key(event);
  const mode = modes.find(([, key]) => key === event.key);
  if (mode) { acts.mode(mode[0]); return true; }
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') { step(event.key === 'ArrowDown' ? 1 : -1); return true; }
  const name = { Delete: 'Del', Escape: 'Esc' }[event.key] ?? (event.key.length === 1 ? event.key.toUpperCase() : event.key);
  const found = keysNow().find(([key, , act, possible]) => key === name && act && possible);
  if (found) { acts[found[2]](); return true; }
  if (name === 'S') { acts.till(); return true; }
  if (event.key === 'Escape') { at('toast').hidden = true; return true; }
  return /^F\d+$/.test(event.key) && event.key !== 'F5' && event.key !== 'F11' && event.key !== 'F12';
}

document.addEventListener('click', (event) => {
  wake();
  const button = event.target.closest('[data-do]');
  if (!button || button.disabled) return;
  acts[button.dataset.do](button.dataset.arg);
  if (button instanceof HTMLButtonElement && !dialogs.isOpen()) button.blur(); // a scanner's Enter must press nothing
});
at('dialog').addEventListener('cancel', (event) => { event.preventDefault(); dialogs.close(); });

watch({ scan, command });
begin('en');
draw();
listen((frame) => { takes[frame.type]?.(frame); draw(); }, (connected) => {
  state.connected = connected;
  state.everConnected ||= connected;
  draw();
});
setInterval(() => { if (state.status?.unsent) drawBar(); }, 1000);
