// Ship mode: where the goods go, and what has been loaded.
import * as dialogs from './dialogs.js';
import { at, fill, html, markup } from './dom.js';
import { icon } from './icons.js';
import { call } from './link.js';
import { attempt, complain, redraw, tellQuietly } from './asking.js';
import { caseIcon, grouped } from './packing.js';
import { state } from './state.js';
import { quantity, say } from './words.js';

const SHOWN = 200; // rows of one despatch; a scan adds to the top
const part = encodeURIComponent;
const shipping = () => state.shipping ?? {};
const isChoosing = () => !shipping().to || state.choosing;
const found = () => state.sites.filter((site) => `${site.name} ${site.site}`.toLowerCase().includes(state.finding.toLowerCase()));
const serial = (item) => (/^01\d{14}21/.test(item) ? item.slice(18) : item.slice(-20));

export async function fetchSites() {
  try {
    state.sites = (await call('GET', '/v1/sites')).sites;
    redraw();
  } catch (error) { complain(error); }
}

// Everything loaded, the latest first: { key, name, about, count, end }.
function parts() {
  const cases = (shipping().cases ?? []).map((one) => ({
    key: one.sscc, name: grouped(one.sscc), about: one.items === null ? say('sealed_case') : one.products === 1 ? one.first : say('products', { n: one.products }),
    count: caseIcon(), end: one.items === null ? html`<span class="sign ask">${markup(icon('ask'))}${say('sealed')}</span>` : say('pieces', { n: quantity(one.pieces) }),
  }));
  const goods = (shipping().lines ?? []).flatMap((line) => {
    const items = [...(line.items ?? [])].reverse().map((item) => ({ key: item, name: line.name || line.gtin, about: html`<code>${serial(item)}</code>`, count: 1, end: '' }));
    const loose = Number(line.quantity) - items.length;
    const about = line.unit === 'each' ? line.gtin : `${line.gtin} · ${line.unit}`;
    return loose ? [{ key: line.gtin, name: line.name || line.gtin, about, count: quantity(loose), end: '', line }, ...items] : items;
  });
  return [...cases, ...goods];
}

function row(one) {
  return html`<li class="line ${state.selected === one.key ? 'selected' : ''}" data-do="select" data-arg="${one.key}">
    <span class="count wide">${one.count}</span><span class="what"><b>${one.name}</b><small>${one.about}</small></span><span class="amount">${one.end}</span></li>`;
}

function siteRow(site) {
  return html`<li class="line plain ${state.selected === site.site ? 'selected' : ''}" data-do="ship_to" data-arg="${site.site}">
    <span class="what"><b>${site.name}</b><small>${site.site}</small></span><span class="amount"><span class="chip quiet">${say(`kind_${site.kind}`) ?? site.kind}</span></span></li>`;
}

function left() {
  const done = state.completed;
  return done?.kind === 'despatch' ? html`<button class="tag good" data-do="print_note">${say('has_left', { number: done.number, to: done.document.to_name })} · ${say('print_note')}</button>` : '';
}

export function drawShip() {
  if (!state.shipping) return html``;
  if (isChoosing()) {
    return html`<header class="title"><h2>${say('destinations')}</h2>${left()}</header>
      ${found().length ? html`<ol class="lines" id="lines">${found().slice(0, SHOWN).map(siteRow)}</ol>` : html`<div class="empty">${say(state.sites.length ? 'no_site_found' : 'no_sites')}</div>`}
      <footer class="total"><div>${state.finding ? html`<small>${say('find_site')}</small><b>${state.finding}</b>` : ''}</div><button class="go" data-do="ship_to" ${found().length ? '' : markup('disabled')}><kbd>Enter</kbd>${say('ship_to')}</button></footer>`;
  }
  const { to, products, pieces } = shipping();
  const all = parts();
  return html`<header class="title"><h2>${say('shipping')}</h2>${left()}<button class="tag" data-do="change_destination">${say('to_site', { site: to.name })}</button></header>
    ${all.length ? html`<ol class="lines" id="lines">${all.slice(0, SHOWN).map(row)}</ol>` : html`<div class="empty">${say('empty_shipping')}</div>`}
    ${all.length > SHOWN ? html`<p class="case"><small>${say('and_more', { n: all.length - SHOWN })}</small></p>` : ''}
    <footer class="total"><div><small>${say('products', { n: products })}</small><b>${say('pieces', { n: quantity(pieces) })}</b></div>
      <button class="go" data-do="send_off" ${all.length ? '' : markup('disabled')}><kbd>F9</kbd>${say('send_off')}</button></footer>`;
}

export function shipChoices() {
  return isChoosing() ? found().map((site) => site.site) : parts().map((one) => one.key);
}

const selectedGoods = () => parts().find((one) => one.key === state.selected)?.line;

export function shipKeys() {
  const print = state.completed?.kind === 'despatch' ? [['B', 'print_note', 'print_note', true]] : [];
  if (isChoosing()) {
    const some = found().length > 0;
    return [['Enter', 'ship_to', 'ship_to', some], ['↑↓', 'select', null, some], ['/', 'find_site', 'find_site', state.sites.length > 1], ...print, ...(shipping().to ? [['T', 'back', 'change_destination', true]] : [])];
  }
  const some = parts().length > 0;
  return [['F9', 'send_off', 'send_off', some], ['↑↓', 'select', null, some], ['Q', 'quantity', 'load_quantity', Boolean(selectedGoods())], ['U', 'undo', 'undo_load', shipping().can_undo],
    ['Del', 'remove', 'unload', some], ['T', 'destination_key', 'change_destination', true], ['C', 'clear', 'clear_load', true], ['/', 'type_code', 'type_code', true], ...print];
}

// On paper a time without its day says nothing.
const moment = (us) => new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(us / 1000));

function note(told) {
  const line = (one) => html`<tr><td>${one.name || one.gtin}<br><small>${one.gtin}</small></td><td class="codes">${one.items?.map(serial).join(' · ') ?? ''}</td><td>${quantity(one.quantity)}${one.unit === 'each' ? '' : ` ${one.unit}`}</td></tr>`;
  const crate = (one) => html`<tr class="crate"><td colspan="2">${say('case_is', { sscc: grouped(one.sscc) })}</td><td>${one.lines.length ? '' : say('sealed')}</td></tr>${one.lines.map(line)}`;
  return html`<h1>${say('despatch_note')}</h1>
    <p><b>${told.number}</b> · ${moment(told.at_us)}<br>${told.from_site} → <b>${told.to_name}</b> (${told.to_site})${told.order_id ? html`<br>${say('order')} ${told.order_id}` : ''}${told.reason ? html`<br>${told.reason}` : ''}${told.clerk ? html`<br>${told.clerk}` : ''}</p>
    <table>${told.lines.map(line)}${told.cases.map(crate)}</table><p class="sum">${say('pieces', { n: quantity(told.pieces) })}</p>
    <p class="signed"><span>${say('handed_over')}</span><span>${say('taken_over')}</span></p>`;
}

export const shipActs = {
  ship_to: async (site) => {
    const chosen = site ?? state.selected ?? found()[0]?.site;
    if (chosen && (await attempt('PUT', '/v1/shipping', { to_site: chosen }))) { state.choosing = false; state.finding = ''; state.selected = null; redraw(); }
  },
  find_site: () => dialogs.askText({ title: say('find_site'), label: say('site_name'), value: state.finding, optional: true, done: (text) => { state.finding = text; state.selected = null; redraw(); } }),
  change_destination: () => { state.choosing = !state.choosing; state.selected = null; fetchSites(); redraw(); },
  send_off: () => {
    const { to, pieces, despatch_id: id } = shipping();
    if (!to || !parts().length) return;
    dialogs.askText({ title: say('send_off_title', { n: quantity(pieces), to: to.name }), label: say('ship_reason'), value: shipping().reason ?? '', yes: 'send_off', optional: true,
      done: (reason) => attempt('POST', '/v1/shipping/complete', { despatch_id: id, reason: reason || null }) });
  },
  load_quantity: () => { const line = selectedGoods(); if (line) dialogs.askNumber({ title: line.name || line.gtin, label: say('quantity_in_all'), value: line.quantity, done: (number) => attempt('PUT', `/v1/shipping/lines/${line.gtin}`, { quantity: number }) }); },
  undo_load: () => attempt('POST', '/v1/shipping/undo'),
  unload: () => { if (state.selected) attempt('DELETE', `/v1/shipping/parts/${part(state.selected)}`); },
  clear_load: () => dialogs.askYes({ title: say('clear_title'), yes: 'clear', done: () => attempt('DELETE', '/v1/shipping') }),
  print_note: async () => {
    if (state.completed?.kind !== 'despatch') return;
    const path = `/v1/shipments/${part(state.completed.document.despatch_id)}`;
    if (state.status.printer) {
      if (await attempt('POST', `${path}/print`)) tellQuietly(say('sent_to_printer'));
      return;
    }
    const told = await attempt('GET', path);
    if (!told) return;
    at('receipt').classList.add('note');
    fill(at('receipt'), note(told));
    window.print();
  },
};
