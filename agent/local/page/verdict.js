// The big panel: what became of the last scan, in a colour, a shape and a word; and the scans before it.
import { at, fill, html, markup } from './dom.js';
import { icon } from './icons.js';
import { drawCase, grouped } from './packing.js';
import { drawCounted } from './stocktake.js';
import { state } from './state.js';
import { age, money, say, time } from './words.js';

const looks = { added: 'good', found: 'good', received: 'good', packed: 'good', counted: 'good', loaded: 'good', refused: 'refuse', ask: 'ask', ignored: 'ignored', unreadable: 'unreadable' };

export function lookOf(scan) { return looks[scan.outcome] ?? 'ignored'; }

// A refusal, and a doubt that the cashier is asked about, stay until they are answered.
export function stays(scan) {
  return scan.outcome === 'refused' || (scan.outcome === 'ask' && scan.question === 'confirm' && scan.mode === 'sale') || ['sealed', 'uncoded', 'quantity'].includes(scan.question);
}

const worded = new Set(['received_case', 'case_not_announced', 'case_unknown', 'received_sealed', 'case_opened', 'packed', 'unpacked', 'sold_elsewhere', 'sold_by_other_till', 'sale_not_known',
  'not_on_receipt', 'returned_already', 'not_sold', 'received_already']);
// What the panel tells in lines of its own, so that the sentence of the agent would say it twice.
const shownOtherwise = new Set(['added', 'received', 'on_order', 'taken_back', 'packed', 'unpacked', 'received_case', 'case_opened', 'counted', 'counted_case', 'loaded', 'loaded_case', 'noted', 'noted_case']);

const handled = new Set(['stocktake', 'ship', 'adjust']); // modes in which each key has a word of its own
export function wordOf(scan) {
  const { finding, outcome, key } = scan;
  if (finding && (outcome === 'refused' || outcome === 'ask' || key === 'found')) {
    if (key === 'verdict' || key === 'found') return (isPerhaps(finding) && say(`perhaps_${finding.verdict}`)) || say(finding.verdict);
  }
  if (outcome === 'added' && key === 'added') return say(finding?.verdict === 'genuine' ? 'genuine' : finding?.verdict === 'unverified' ? 'added_unverified' : 'added');
  if (key === 'not_announced') return say('not_announced_word');
  if (key === 'counted_all_the_same' && finding) return say(finding.verdict);
  if (worded.has(key) || handled.has(scan.mode)) {
    const word = say(`${key}_word`);
    if (word) return word;
  }
  if (outcome === 'refused' && scan.mode !== 'sale' && scan.mode !== 'verify') return say(`refused_${scan.mode}`) ?? say('look_refuse');
  if (key === 'found' || key === 'received' || key === 'on_order' || key === 'taken_back') return say(key);
  return say(`look_${lookOf(scan)}`);
}

export function reasonOf(scan) {
  const { finding, key } = scan;
  if (finding && (key === 'verdict' || key === 'found')) return why(finding);
  const values = { line: scan.line, gtin: scan.code?.gtin, argument: scan.code?.attributes?.argument };
  if (key === 'counted_all_the_same' && finding) return `${say('counted_all_the_same')} ${why(finding)}`;
  if (shownOtherwise.has(key)) return finding && (finding.verdict !== 'genuine' || finding.certain === false) ? why(finding) : '';
  return say(key, values) ?? scan.message.charAt(0).toUpperCase() + scan.message.slice(1);
}

// A filter of the brand's says "perhaps", never more.
function isPerhaps(finding) { return finding.rests_on === 'filter'; }

export function why(finding) {
  const when = [finding.sold_at_us ? time(finding.sold_at_us) : '', finding.sold_site ?? ''].filter(Boolean).join(' · ');
  if (finding.verdict === 'already_sold' && !when && !isPerhaps(finding)) return say('why_sold_somewhere');
  return say(`why_${finding.verdict}_${finding.rests_on}`, { when }) ?? say(`why_${finding.verdict}`, { when }) ?? finding.reason;
}

// What the verdict rests on, whether that is certain, and how old it is.
export function basis(finding) {
  const source = finding.rests_on ? say(`by_${finding.rests_on}`) : undefined;
  const old = finding.age_us > 60e6 || (finding.age_us && finding.certain === false) ? say('as_of', { age: age(finding.age_us / 1e6) }) : undefined;
  return [source, old].filter(Boolean).join(' · ');
}

function evidence(finding) {
  if (!finding) return '';
  const certain = finding.certain === false ? 'provisional' : 'certain';
  return html`<p class="evidence ${certain}"><b>${say(certain)}</b>${basis(finding)}</p>`;
}

// The sale that a returned item comes from.
function saleOf({ sold }) {
  if (!sold) return '';
  const facts = [sold.receipt ? say('receipt', { receipt: sold.receipt }) : sold.site, sold.at_us ? time(sold.at_us) : ''].filter(Boolean).join(' · ');
  const paid = sold.paid_minor === null || sold.paid_minor === undefined ? '' : say('was_paid', { amount: money(sold.paid_minor, state.status.currency) });
  const off = sold.discount_minor ? ` (${say('discount', { amount: money(sold.discount_minor, state.status.currency) })})` : '';
  return html`<div class="holds"><p><b>${facts}</b></p>${paid ? html`<p>${paid}${off}</p>` : ''}</div>`;
}

function nameOf(scan) {
  if (scan.case) return say('case_is', { sscc: grouped(scan.case.sscc) });
  const name = scan.product?.name ?? '';
  return name || scan.code?.gtin || '';
}

function answers(scan, waiting) {
  if (!waiting) return '';
  const more = state.refusals.length > 1 ? html`<span class="more">${say('more', { n: state.refusals.length - 1 })}</span>` : '';
  if (scan.question === 'sealed') {
    return html`<div class="answers">
      <button data-do="take_sealed" class="yes"><kbd>Y</kbd>${say(scan.mode === 'ship' ? 'send_sealed' : 'take_sealed')}</button>
      <button data-do="acknowledge"><kbd>Esc</kbd>${say('leave_it')}</button>${more}</div>`;
  }
  if (scan.question === 'uncoded' || scan.question === 'quantity') {
    const [act, key] = scan.question === 'uncoded' ? ['count_uncoded', 'Y'] : ['enter_quantity', 'Q'];
    return html`<div class="answers">
      <button data-do="${act}" class="yes"><kbd>${key}</kbd>${say(act)}</button>
      <button data-do="acknowledge"><kbd>Esc</kbd>${say('leave_it')}</button>${more}</div>`;
  }
  if (scan.question === 'confirm') {
    return html`<div class="answers">
      <button data-do="sell_anyway" class="yes"><kbd>Y</kbd>${say('sell_anyway')}</button>
      <button data-do="acknowledge"><kbd>Esc</kbd>${say('not_sell')}</button>${more}</div>`;
  }
  return html`<div class="answers"><button data-do="acknowledge"><kbd>Esc</kbd>${say('ack')}</button>${more}</div>`;
}

const isUnpriced = (mode) => ['pack', 'unpack', 'stocktake', 'ship', 'adjust'].includes(mode);

// What a scan would do now; where something has to be chosen first, that.
function idle() {
  if (state.mode === 'stocktake' && !state.counting?.area) return 'idle_choose_area';
  if (state.mode === 'ship' && !state.shipping?.to) return 'idle_choose_site';
  return `idle_${state.mode}`;
}

export function drawVerdict() {
  const waiting = state.refusals.length > 0;
  const scan = waiting ? state.refusals[0] : state.last;
  const panel = at('verdict');
  if (!scan) {
    panel.className = 'verdict idle';
    fill(panel, html`${markup(icon('idle'))}<h1>${say(idle())}</h1>${idle() === `idle_${state.mode}` ? html`<p class="reason">${say('idle_hint')}</p>` : ''}`);
  } else {
    const look = lookOf(scan);
    panel.className = `verdict ${look}${waiting ? ' waiting' : ''}${scan.finding?.certain === false ? ' provisional' : ''}`;
    const price = scan.product?.price_minor;
    fill(panel, html`${markup(icon(look))}
      <h1>${wordOf(scan)}</h1>
      <p class="name">${nameOf(scan)}${look === 'good' && price != null && scan.mode !== 'return' && !isUnpriced(scan.mode) ? html` <span class="price">${money(price, scan.product.currency)}</span>` : ''}</p>
      <p class="reason">${reasonOf(scan)}</p>${drawCounted(scan)}${drawCase(scan.case)}${saleOf(scan)}${evidence(scan.finding)}${answers(scan, waiting)}`);
  }
  fill(at('trail'), state.trail.map((entry) => html`<li class="${lookOf(entry)}">${markup(icon(lookOf(entry)))}
    <b>${wordOf(entry)}</b><span>${nameOf(entry) || entry.scan.code || ''}</span><time>${time(entry.scan.at_us)}</time></li>`));
}
