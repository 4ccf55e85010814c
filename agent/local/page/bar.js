// The bar that always tells: which mode, online or offline, what is unsent, the scanners.
import { at, fill, html, markup } from './dom.js';
import { icon } from './icons.js';
import { drawTill } from './shift.js';
import { state } from './state.js';
import { age, say } from './words.js';

export const modes = [['sale', 'F2'], ['verify', 'F3'], ['receive', 'F4'], ['reorder', 'F6'], ['return', 'F7'], ['ship', 'F8'], ['pack', 'F10'], ['stocktake', 'F1']];

// Unpacking is the other side of packing, and adjusting stands with counting: one place in the bar.
const places = { unpack: 'pack', adjust: 'stocktake' };
const placeOf = (mode) => places[mode] ?? mode;

function pill(look, shape, text, extra = '') {
  return html`<span class="pill ${look} is-${shape}" title="${text}">${markup(icon(shape))}<span>${text}</span>${extra ? html`<small>${extra}</small>` : ''}</span>`;
}

function scannerPill(scanners) {
  const broken = scanners.find((scanner) => !['open', 'closed'].includes(scanner.state));
  if (broken) return html`<span title="${broken.device}: ${broken.detail}">${pill('bad', 'scanner', say('scanner_missing', { state: say(`state_${broken.state}`) }))}</span>`;
  if (scanners.length === 0) return pill('quiet', 'scanner', say('scanner_none'));
  return pill('ok', 'scanner', scanners.length === 1 ? say('scanner_ready') : say('scanners_ready', { n: scanners.length }));
}

function printerPill(printer) {
  if (!printer || !printer.trouble) return '';
  return html`<span title="${printer.trouble}">${pill('warn', 'warning', say('printer_trouble'), printer.waiting ? say('printer_waiting', { n: printer.waiting }) : '')}</span>`;
}

function unsentPill(status) {
  if (status.unsent === 0) return pill('ok', 'unsent', say('sent_all'));
  const since = (performance.now() - state.statusAt) / 1000;
  const oldest = (status.oldest_unsent_s ?? 0) + since;
  const look = status.online && oldest < 60 ? 'ok' : 'warn';
  return pill(look, 'unsent', say('unsent', { n: status.unsent }), say('oldest', { age: age(oldest) }));
}

function fillingPill(status) {
  const filling = Object.entries(status.feeds).find(([, feed]) => feed.is_pulling && feed.age_s === null && feed.head > feed.version);
  if (!filling) return '';
  const [feed, { version, head }] = filling;
  return pill('warn', 'unsent', say('filling', { feed: say(`feed_${feed}`), done: version, all: head }));
}

export function drawBar() {
  const status = state.status;
  fill(at('modes'), modes.map(([mode, key]) => html`<button data-do="mode" data-arg="${mode}" class="${mode === placeOf(state.mode) ? 'on' : ''}" aria-pressed="${mode === placeOf(state.mode)}"><kbd>${key}</kbd>${say(`mode_${mode === placeOf(state.mode) ? state.mode : mode}`)}</button>`));
  const alarm = at('alarm');
  const text = !state.connected && state.everConnected ? say('no_agent') : status?.disk_trouble ? say('disk_trouble', { detail: status.disk_trouble }) : '';
  alarm.hidden = !text;
  fill(alarm, html`${markup(icon('warning'))}<span>${text}</span>`);
  if (!status) return;
  fill(at('site'), status.site);
  fill(at('lane'), drawTill());
  const online = status.online && state.connected;
  fill(at('state'), html`${fillingPill(status)}
    ${status.notices.length ? html`<button data-do="notices" class="pill warn">${markup(icon('warning'))}<span>${say('notices', { n: status.notices.length })}</span></button>` : ''}
    ${status.neighbours?.trouble ? html`<span title="${status.neighbours.trouble}">${pill('bad', 'warning', say('neighbours_trouble'))}</span>` : ''}
    ${status.unsettled ? pill('quiet', 'unsettled', say('unsettled', { n: status.unsettled })) : ''}
    ${scannerPill(status.scanners)}${printerPill(status.printer)}${unsentPill(status)}
    ${pill(online ? 'ok' : 'bad', online ? 'online' : 'offline', say(online ? 'online' : 'offline'))}
    <button class="pill quiet language" data-do="language" title="${say('language')}">${say('language_short')}</button>`);
}
