// Pack mode and unpack mode: the case that is open, what it held, and what goes in or comes out.
import { html, markup } from './dom.js';
import { icon } from './icons.js';
import { state } from './state.js';
import { quantity, say } from './words.js';

const SHOWN = 200; // rows of one draft; a scan adds to the top

export function openCase() { return state.cases[state.mode === 'unpack' ? 'unpack' : 'pack']; }

// An SSCC in groups, as a person reads it from a label.
export function grouped(sscc) { return sscc.replace(/^(\d)(\d{4})(\d{4})(\d{4})(\d{5})$/, '$1 $2 $3 $4 $5'); }

function gtinOf(item) { return /^01\d{14}21/.test(item) ? item.slice(2, 16) : ''; }

// Everything scanned for the case, the latest of each kind first: { key, name, about, count }.
export function parts() {
  const { draft, names = {} } = openCase() ?? { draft: {} };
  const items = (draft.items ?? []).map((item) => {
    const gtin = gtinOf(item);
    return { key: item, name: names[gtin] || gtin || item, about: gtin ? item.slice(18) : '', count: null };
  });
  const cases = (draft.containers ?? []).map((sscc) => ({ key: sscc, name: say('case_is', { sscc: grouped(sscc) }), about: '', count: null }));
  const goods = (draft.lines ?? []).map((line) => ({ key: line.gtin, name: line.name || line.gtin, about: line.gtin, count: line.quantity }));
  return [...goods.reverse(), ...cases.reverse(), ...items.reverse()];
}

function row(part) {
  return html`<li class="line ${state.selected === part.key ? 'selected' : ''}" data-do="select" data-arg="${part.key}">
    <span class="count">${quantity(part.count ?? 1)}</span><span class="what"><b>${part.name}</b><small>${part.about}</small></span><span class="amount"></span></li>`;
}

export function held(pieces) {
  const told = pieces.slice(0, 4).map((line) => `${quantity(line.quantity)} × ${line.name || line.gtin}`);
  return told.join(', ') + (pieces.length > told.length ? ` ${say('and_more', { n: pieces.length - told.length })}` : '');
}

function before(frame) {
  if (!frame.known) return say('case_not_known');
  const count = frame.pieces.reduce((sum, line) => sum + Number(line.quantity), 0);
  if (!count && !frame.cases) return say('case_empty');
  return `${say('case_holds')} ${held(frame.pieces)}${frame.cases ? ` · ${say('in_cases', { n: quantity(frame.cases) })}` : ''}`;
}

export function drawPacking() {
  const frame = openCase();
  if (!frame) return html``;
  const { draft } = frame;
  const packs = state.mode === 'pack';
  const all = parts();
  const done = state.completed && ['packing', 'unpacking'].includes(state.completed.kind) && !draft.sscc
    ? html`<span class="tag good">${say(state.completed.kind === 'packing' ? 'case_packed' : 'case_unpacked', { number: state.completed.number })}</span>` : '';
  const whole = !packs && draft.sscc && !all.length;
  const possible = draft.sscc && (all.length || !packs);
  const pieces = all.reduce((sum, part) => sum + Number(part.count ?? 1), 0);
  return html`<header class="title"><h2>${say(packs ? 'packing' : 'unpacking')}</h2>${done}
      <button class="tag" data-do="turn">${say(packs ? 'to_unpack' : 'to_pack')}</button></header>
    ${draft.sscc ? html`<p class="case"><b>${grouped(draft.sscc)}</b><small>${before(frame)}</small></p>` : ''}
    ${all.length ? html`<ol class="lines" id="lines">${all.slice(0, SHOWN).map(row)}</ol>${all.length > SHOWN ? html`<p class="case"><small>${say('and_more', { n: all.length - SHOWN })}</small></p>` : ''}`
    : html`<div class="empty">${say(!draft.sscc ? 'no_case_open' : packs ? 'scan_into_case' : 'scan_out_of_case')}</div>`}
    <footer class="total"><div><small>${say(packs ? 'goes_in' : 'comes_out')}</small><b>${whole ? say('all_of_it') : quantity(pieces)}</b></div>
      <button class="go" data-do="complete" ${possible ? '' : markup('disabled')}><kbd>F9</kbd>${say(packs ? 'pack_it' : 'unpack_it')}</button></footer>`;
}

export function packingKeys() {
  const draft = openCase()?.draft ?? {};
  const some = parts().length > 0;
  const goods = (draft.lines ?? []).some((line) => line.gtin === state.selected);
  return [['F9', state.mode === 'pack' ? 'pack_it' : 'unpack_it', 'complete', Boolean(draft.sscc && (some || state.mode === 'unpack'))], ['↑↓', 'select', null, some],
    ['Q', 'quantity', 'quantity', goods], ['Del', 'remove', 'remove', some], ['C', 'close_case', 'clear', Boolean(draft.sscc)],
    ['U', state.mode === 'pack' ? 'to_unpack' : 'to_pack', 'turn', true], ['/', 'type_code', 'type_code', true]];
}

// What a scanned case holds, on the big panel.
export function drawCase(seen) {
  if (!seen?.known) return '';
  const count = seen.pieces.reduce((sum, line) => sum + Number(line.quantity), 0);
  return html`<div class="holds"><p><b>${say('pieces', { n: quantity(count) })}</b>${seen.cases ? ` · ${say('in_cases', { n: quantity(seen.cases) })}` : ''}</p>
    <p>${held(seen.pieces)}</p>${seen.counted_before ? html`<p>${say('counted_before', { n: quantity(seen.counted_before) })}</p>` : ''}</div>`;
}

export function caseIcon() { return markup(icon('case')); }
