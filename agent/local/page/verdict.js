// The big panel: what became of the last scan, in a colour, a shape and a word; and the scans before it.
import { at, fill, html, markup } from './dom.js';
import { icon } from './icons.js';
import { state } from './state.js';
import { age, money, say, time } from './words.js';

const looks = { added: 'good', found: 'good', received: 'good', refused: 'refuse', ask: 'ask', ignored: 'ignored', unreadable: 'unreadable' };

export function lookOf(scan) { return looks[scan.outcome] ?? 'ignored'; }

// A refusal, and a doubt that the cashier is asked about, stay until they are answered.
export function stays(scan) {
  return scan.outcome === 'refused' || (scan.outcome === 'ask' && scan.question === 'confirm' && scan.mode === 'sale');
}

export function wordOf(scan) {
  const { finding, outcome, key } = scan;
  if (finding && (outcome === 'refused' || outcome === 'ask' || key === 'found')) {
    if (key === 'verdict' || key === 'found') return say(finding.verdict);
  }
  if (outcome === 'added' && key === 'added') return say(finding?.verdict === 'genuine' ? 'genuine' : finding?.verdict === 'unverified' ? 'added_unverified' : 'added');
  if (key === 'not_announced') return say('not_announced_word');
  if (key === 'found' || key === 'received' || key === 'on_order' || key === 'taken_back') return say(key);
  return say(`look_${lookOf(scan)}`);
}

export function reasonOf(scan) {
  const { finding, key } = scan;
  if (finding && (key === 'verdict' || key === 'found')) return why(finding);
  const values = { line: scan.line, gtin: scan.code?.gtin };
  if (['added', 'received', 'on_order', 'taken_back'].includes(key)) return finding?.verdict === 'unverified' ? why(finding) : '';
  return say(key, values) ?? scan.message;
}

export function why(finding) {
  const when = [finding.sold_at_us ? time(finding.sold_at_us) : '', finding.sold_site ?? ''].filter(Boolean).join(' · ');
  return say(`why_${finding.verdict}`, { when }) ?? finding.reason;
}

function evidence(finding) {
  if (!finding) return '';
  const certain = finding.certain === false ? 'provisional' : 'certain';
  const old = finding.age_us ? ` · ${say('as_of', { age: age(finding.age_us / 1e6) })}` : '';
  return html`<p class="evidence ${certain}">${say(certain)}${old}</p>`;
}

function nameOf(scan) {
  const name = scan.product?.name ?? '';
  return name || scan.code?.gtin || '';
}

function answers(scan, waiting) {
  if (!waiting) return '';
  const more = state.refusals.length > 1 ? html`<span class="more">${say('more', { n: state.refusals.length - 1 })}</span>` : '';
  if (scan.question === 'confirm') {
    return html`<div class="answers">
      <button data-do="sell_anyway" class="yes"><kbd>Y</kbd>${say('sell_anyway')}</button>
      <button data-do="acknowledge"><kbd>Esc</kbd>${say('not_sell')}</button>${more}</div>`;
  }
  return html`<div class="answers"><button data-do="acknowledge"><kbd>Esc</kbd>${say('ack')}</button>${more}</div>`;
}

export function drawVerdict() {
  const waiting = state.refusals.length > 0;
  const scan = waiting ? state.refusals[0] : state.last;
  const panel = at('verdict');
  if (!scan) {
    panel.className = 'verdict idle';
    fill(panel, html`${markup(icon('idle'))}<h1>${say(`idle_${state.mode}`)}</h1><p class="reason">${say('idle_hint')}</p>`);
  } else {
    const look = lookOf(scan);
    panel.className = `verdict ${look}${waiting ? ' waiting' : ''}`;
    const price = scan.product?.price_minor;
    fill(panel, html`${markup(icon(look))}
      <h1>${wordOf(scan)}</h1>
      <p class="name">${nameOf(scan)}${look === 'good' && price != null ? html` <span class="price">${money(price, scan.product.currency)}</span>` : ''}</p>
      <p class="reason">${reasonOf(scan)}</p>${evidence(scan.finding)}${answers(scan, waiting)}`);
  }
  fill(at('trail'), state.trail.map((entry) => html`<li class="${lookOf(entry)}">${markup(icon(lookOf(entry)))}
    <b>${wordOf(entry)}</b><span>${nameOf(entry) || entry.scan.code || ''}</span><time>${time(entry.scan.at_us)}</time></li>`));
}
