// Stocktake mode: which stocktake, which area of it, and what has been counted there.
import * as dialogs from './dialogs.js';
import { html, markup } from './dom.js';
import { icon } from './icons.js';
import { call } from './link.js';
import { attempt, complain, redraw } from './asking.js';
import { caseIcon, grouped } from './packing.js';
import { state } from './state.js';
import { quantity, say, time } from './words.js';

const part = encodeURIComponent;
const counting = () => state.counting ?? {};
const seen = () => state.stocktakes.find((one) => one.stocktake_id === counting().stocktake_id);
export const areaPath = () => `/v1/stocktakes/${part(counting().stocktake_id)}/areas/${part(counting().area)}`;

// What is on the screen: the stocktakes, the areas of one, what is still missing, or the count of an area.
function shows() {
  if (!counting().stocktake_id) return 'stocktakes';
  if (state.missing) return 'missing';
  return counting().area ? 'count' : 'areas';
}

export async function fetchStocktakes() {
  try {
    state.stocktakes = (await call('GET', '/v1/stocktakes')).stocktakes;
    state.counting = await call('GET', '/v1/counting'); // what was chosen may have ended meanwhile
    if (state.missing) state.missing = (await call('GET', `/v1/stocktakes/${part(counting().stocktake_id)}`)).missing;
    redraw();
  } catch (error) { complain(error); }
}

// -- rows ---------------------------------------------------------------------------------------------------------------

function row(key, count, name, about, end, act = 'select') {
  return html`<li class="line ${state.selected === key ? 'selected' : ''}" data-do="${act}" data-arg="${key}">
    <span class="count wide">${count}</span><span class="what"><b>${name}</b><small>${about}</small></span><span class="amount">${end}</span></li>`;
}

const plain = (n) => quantity(n);
const manner = (one) => [say(one.blind ? 'count_blind' : 'count_guided'), one.round > 1 ? say('round', { n: one.round }) : '', one.is_begun_here ? say('begun_here') : ''].filter(Boolean).join(' · ');

function stocktakeRow(one) {
  const of = one.wanted ? `${plain(one.wanted - one.missing)} / ${plain(one.wanted)}` : plain(one.counted);
  return row(one.stocktake_id, html`<small>${say('areas', { n: one.areas.length })}</small>`, one.name, manner(one), html`<span class="sign quietly">${say('products_counted', { n: of })}</span>`, 'choose_stocktake');
}

function areaRow(one) {
  const about = [one.number ? say('sent_as', { number: one.number }) : '', one.at_us ? time(one.at_us) : ''].filter(Boolean).join(' · ');
  const chip = one.is_open ? html`<span class="chip ask">${say('area_open')}</span>`
    : one.number ? html`<span class="chip good">${say(one.complete ? 'area_complete' : 'area_sent')}</span>` : html`<span class="chip quiet">${say('area_elsewhere')}</span>`;
  return row(one.area, one.products ? plain(one.pieces) : html`<small>–</small>`, one.area, about, chip, 'open_area');
}

function difference(line) {
  if (line.expected === null) return Number(line.elsewhere) ? html`<span class="sign quietly">${say('elsewhere', { n: plain(line.elsewhere) })}</span>` : '';
  const missing = Number(line.expected) - Number(line.quantity) - Number(line.elsewhere);
  const off = Math.abs(missing) < 1e-9 ? 0 : missing;
  if (off === 0) return html`<span class="sign good">${markup(icon('good'))}${say('agrees')}</span>`;
  return off > 0 ? html`<span class="sign quietly">${say('missing', { n: plain(off) })}</span>` : html`<span class="sign ask">${markup(icon('ask'))}${say('surplus', { n: plain(-off) })}</span>`;
}

function lineRow(line) {
  const about = [line.gtin, line.unit === 'each' ? '' : line.unit, line.items ? say('by_code', { n: line.items }) : ''].filter(Boolean).join(' · ');
  const of = line.expected === null ? '' : html`<small> / ${plain(line.expected)}</small>`;
  return row(line.gtin, html`${plain(line.quantity)}${of}`, line.name || line.gtin, about, difference(line));
}

const caseRow = (one) => row(one.sscc, caseIcon(), grouped(one.sscc), say('products', { n: one.products }), say('pieces', { n: plain(one.pieces) }));

function missingRow(one) {
  const where = one.areas.length ? say('found_before_in', { areas: one.areas.join(', ') }) : one.gtin;
  return row(one.gtin, one.quantity === null ? html`<small>?</small>` : plain(one.quantity), one.name || one.gtin, where, '');
}

// -- the list -----------------------------------------------------------------------------------------------------------

const list = (rows, empty) => (rows.length ? html`<ol class="lines" id="lines">${rows}</ol>` : html`<div class="empty">${empty}</div>`);
const back = (key, word, act) => html`<button class="go quiet" data-do="${act}"><kbd>${key}</kbd>${say(word)}</button>`;

function drawCount() {
  const now = counting();
  const late = now.is_late ? html`<span class="tag warn">${say('count_is_late')}</span>` : now.is_open ? '' : html`<span class="tag warn">${say('count_has_ended')}</span>`;
  const more = now.products - now.lines.length;
  return html`<header class="title"><h2>${now.area}</h2>${late}<span class="tag">${now.name}${now.round > 1 ? ` · ${say('round', { n: now.round })}` : ''}</span></header>
    ${list([...now.cases.map(caseRow), ...now.lines.map(lineRow)], say('empty_area'))}
    ${more > 0 ? html`<p class="case"><small>${say('and_more', { n: more })}</small></p>` : ''}
    <footer class="total"><div><small>${say('products', { n: now.products })}</small><b>${say('pieces', { n: plain(now.pieces) })}</b></div>
      <button class="go" data-do="send_area"><kbd>F9</kbd>${say('send_area')}</button></footer>`;
}

export function drawStocktake() {
  const view = shows();
  const done = state.completed?.kind === 'count' ? html`<span class="tag good">${say('area_was_sent', { area: state.completed.document.area, number: state.completed.number })}</span>` : '';
  if (view === 'count') return drawCount();
  if (view === 'missing') {
    return html`<header class="title"><h2>${say('still_missing')}</h2><span class="tag">${counting().name}</span></header>
      ${list(state.missing.map(missingRow), say('nothing_missing'))}
      <footer class="total"><div><small>${say('missing_products')}</small><b>${plain(state.missing.length)}</b></div>${back('M', 'back', 'missing')}</footer>`;
  }
  if (view === 'areas') {
    const one = seen();
    return html`<header class="title"><h2>${counting().name}</h2>${done}<span class="tag">${one ? manner(one) : ''}</span></header>
      ${list((one?.areas ?? []).map(areaRow), say('no_areas'))}
      <footer class="total"><div><small>${say('counted_here')}</small><b>${plain(one?.counted ?? 0)}${one?.wanted ? html`<small> / ${plain(one.wanted)}</small>` : ''}</b></div>
        ${one?.wanted ? back('M', 'still_missing', 'missing') : ''}<button class="go" data-do="new_area"><kbd>N</kbd>${say('new_area')}</button></footer>`;
  }
  return html`<header class="title"><h2>${say('stocktakes')}</h2>${done}</header>
    ${list(state.stocktakes.map(stocktakeRow), say('no_stocktakes'))}
    <footer class="total"><div></div><button class="go" data-do="begin_stocktake"><kbd>N</kbd>${say('begin_stocktake')}</button></footer>`;
}

export function stocktakeChoices() {
  const view = shows();
  if (view === 'stocktakes') return state.stocktakes.map((one) => one.stocktake_id);
  if (view === 'areas') return (seen()?.areas ?? []).map((one) => one.area);
  if (view === 'missing') return state.missing.map((one) => one.gtin);
  return [...counting().cases.map((one) => one.sscc), ...counting().lines.map((one) => one.gtin)];
}

const selectedLine = () => counting().lines?.find((line) => line.gtin === state.selected);

export function stocktakeKeys() {
  const some = stocktakeChoices().length > 0;
  switch (shows()) {
    case 'stocktakes': return [['Enter', 'choose_it', 'choose_stocktake', some], ['↑↓', 'select', null, some], ['N', 'begin_stocktake', 'begin_stocktake', true],
      ['Del', 'forget_stocktake', 'forget_stocktake', Boolean(state.stocktakes.find((one) => one.stocktake_id === state.selected)?.is_begun_here)]];
    case 'areas': return [['Enter', 'choose_it', 'open_area', some], ['↑↓', 'select', null, some], ['N', 'new_area', 'new_area', true],
      ['M', 'still_missing', 'missing', Boolean(seen()?.wanted)], ['O', 'stocktakes', 'leave_stocktake', true]];
    case 'missing': return [['↑↓', 'select', null, some], ['M', 'back', 'missing', true]];
    default: return [['F9', 'send_area', 'send_area', true], ['↑↓', 'select', null, some], ['Q', 'quantity', 'count_quantity', Boolean(selectedLine())], ['+', 'count_more', 'count_more', Boolean(selectedLine())],
      ['U', 'undo', 'undo_count', counting().can_undo], ['Del', 'remove', 'remove_count', some], ['A', 'areas_key', 'leave_area', true], ['M', 'still_missing', 'missing', !counting().blind || Boolean(seen()?.wanted)],
      ['C', 'clear', 'clear_area', true], ['/', 'type_code', 'type_code', true]];
  }
}

// What the scan shown on the big panel has come to: the figure that a person compares with the shelf.
export function drawCounted(scan) {
  if (scan.mode !== 'stocktake' || (scan.outcome !== 'counted' && scan.key !== 'counted_all_the_same')) return '';
  const line = counting().lines?.find((one) => one.gtin === scan.product?.gtin || one.gtin === scan.code?.gtin);
  if (!line) return '';
  return html`<div class="tally"><b>${plain(line.quantity)}</b>${line.unit === 'each' ? '' : html`<span>${line.unit}</span>`}${line.expected === null ? '' : html`<span>/ ${plain(line.expected)}</span>`}</div>`;
}

// -- acts ---------------------------------------------------------------------------------------------------------------

// An area that was counted before is opened only when the person has said how; the agent asks the same of whoever has not.
function openArea(area) {
  const known = (seen()?.areas ?? []).find((one) => one.area === area && !one.is_open);
  if (!known) return putArea(area);
  return askAgain(area, known.number ? 'area_counted' : 'area_counted_elsewhere');
}

function askAgain(area, why) {
  const title = say('area_counted_title', { area });
  if (why === 'area_counted') dialogs.askChoice({ title, choices: [['continue', say('again_continue')], ['anew', say('again_anew')]], done: (choice) => putArea(area, choice) });
  else dialogs.askYes({ title, about: say('area_counted_elsewhere'), yes: 'again_anew_short', done: () => putArea(area, 'anew') });
}

async function putArea(area, again) {
  try {
    await call('PUT', `/v1/stocktakes/${part(counting().stocktake_id)}/areas/${part(area)}`, again ? { again } : {});
    state.missing = null;
  } catch (error) {
    if (['area_counted', 'area_counted_elsewhere'].includes(error.key)) askAgain(area, error.key);
    else complain(error);
  }
}

function sendArea() {
  const now = counting();
  if (!now.area) return;
  const send = (choice) => attempt('POST', `${areaPath()}/send`, { complete: choice === 'all', count_id: now.count_id });
  if (!now.products) dialogs.askYes({ title: say('send_empty_title', { area: now.area }), yes: 'send_area', done: () => send('all') });
  else dialogs.askChoice({ title: say('send_area_title', { area: now.area }), choices: [['all', say('all_of_area')], ['part', say('part_of_area')]], yes: 'send_area', done: send });
}

const put = (gtin, number) => attempt('PUT', `${areaPath()}/lines/${gtin}`, { quantity: number });

export const stocktakeActs = {
  choose_stocktake: (id) => { state.missing = null; return attempt('PUT', '/v1/counting', { stocktake_id: id ?? state.selected ?? state.stocktakes[0]?.stocktake_id ?? null }); },
  begin_stocktake: () => dialogs.askText({ title: say('begin_stocktake'), label: say('stocktake_name'), done: async (name) => {
    const begun = await attempt('POST', '/v1/stocktakes', { name });
    if (begun) attempt('PUT', '/v1/counting', { stocktake_id: begun.stocktake_id });
  } }),
  forget_stocktake: () => dialogs.askYes({ title: say('forget_title'), about: say('forget_about'), yes: 'forget_stocktake', done: async () => { await attempt('DELETE', `/v1/stocktakes/${part(state.selected)}`); fetchStocktakes(); } }),
  leave_stocktake: () => attempt('PUT', '/v1/counting', {}),
  leave_area: () => attempt('PUT', '/v1/counting', { stocktake_id: counting().stocktake_id }),
  open_area: (area) => { const chosen = area ?? state.selected ?? stocktakeChoices()[0]; if (chosen) openArea(chosen); },
  new_area: () => dialogs.askText({ title: say('new_area'), label: say('area_name'), done: (area) => openArea(area) }),
  missing: async () => {
    state.selected = null;
    state.missing = state.missing ? null : (await attempt('GET', `/v1/stocktakes/${part(counting().stocktake_id)}`))?.missing ?? null;
    redraw();
  },
  send_area: sendArea,
  count_quantity: () => { const line = selectedLine(); if (line) dialogs.askNumber({ title: line.name || line.gtin, label: say('quantity_in_all'), value: line.quantity, done: (number) => put(line.gtin, number) }); },
  count_more: () => { const line = selectedLine(); if (line) dialogs.askNumber({ title: line.name || line.gtin, label: say('quantity_more'), done: (number) => put(line.gtin, String(Number((Number(line.quantity) + Number(number)).toFixed(6)))) }); },
  undo_count: () => attempt('POST', `${areaPath()}/undo`),
  remove_count: () => { if (state.selected) attempt('DELETE', `${areaPath()}/parts/${part(state.selected)}`); },
  clear_area: () => dialogs.askYes({ title: say('clear_title'), yes: 'clear', done: () => attempt('DELETE', areaPath()) }),
};
