// Verify mode: everything that is known of the code just scanned.
import { html } from './dom.js';
import { state } from './state.js';
import { money, say, time } from './words.js';
import { basis, why } from './verdict.js';

export function drawDetails() {
  const scan = state.last?.mode === 'verify' ? state.last : null;
  if (!scan) return html`<header class="title"><h2>${say('details')}</h2></header><div class="empty">${say('nothing_verified')}</div>`;
  const { code, product, finding } = scan;
  const facts = [
    [say('product'), product?.name], [say('list_price'), product?.price_minor != null ? money(product.price_minor, product.currency) : null],
    [say('gtin'), code?.gtin], [say('serial'), code?.serial], [say('batch'), code?.batch], [say('expiry'), code?.expiry],
    [say('certainty'), finding ? say(finding.certain === false ? 'provisional' : 'certain') : null], [say('rests_on'), finding ? basis(finding) : null],
    [say('sold_at'), finding?.sold_at_us ? time(finding.sold_at_us) : null], [say('sold_site'), finding?.sold_site],
    [say('kind'), code?.kind], ...Object.entries(code?.attributes ?? {}).map(([name, value]) => [`(${name})`, value]),
  ].filter(([, value]) => value);
  return html`<header class="title"><h2>${say('details')}</h2></header>
    <dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
    ${finding ? html`<p class="conclusion">${why(finding)}</p>` : ''}${(code?.warnings ?? []).map((warning) => html`<p class="conclusion">${warning}</p>`)}`;
}

export function detailsKeys() { return [['/', 'type_code', 'type_code', true]]; }
