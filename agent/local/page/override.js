// Prices and discounts that a person changes, and the supervisor who allows what the clerk may not.
import { attempt, complain } from './asking.js';
import * as dialogs from './dialogs.js';
import { call } from './link.js';
import { basket, state } from './state.js';
import { decimals, money, say } from './words.js';

const reasons = ['damaged', 'price match', 'wrong label', 'promotion', 'staff'];
const wordOf = (reason) => say(`price_${reason.replace(' ', '_')}`);
const canonical = (text) => reasons.find((reason) => wordOf(reason) === text) ?? text;

const selectedLine = () => basket()?.lines.find((line) => line.line === state.selected);
const shown = (minor) => (minor / 10 ** decimals(basket().currency)).toFixed(decimals(basket().currency));

// A change that a supervisor has to allow is no error here: the question for them comes as a frame.
async function change(line, asked) {
  try {
    await call('PATCH', `/v1/basket/lines/${line.line}`, asked);
  } catch (error) {
    if (error.key !== 'needs_authorisation') complain(error);
  }
}

export function changePrice() {
  const line = selectedLine();
  if (!line) return;
  const unit = line.price_minor ?? line.list_price_minor;
  dialogs.askFields({
    title: line.name || line.gtin, about: line.list_price_minor === null ? '' : say('listed_at', { price: money(line.list_price_minor, basket().currency) }), currency: basket().currency,
    fields: [{ id: 'price', label: say('price_of_one'), kind: 'amount', value: unit === null ? '' : shown(unit) }, { id: 'why', label: say('reason'), value: line.override ? (wordOf(line.override.reason) ?? line.override.reason) : '', optional: true }],
    chips: { into: 'why', words: reasons.map((reason) => [wordOf(reason), wordOf(reason)]) },
    done: ({ price, why }) => change(line, { price_minor: price, reason: why === null ? null : canonical(why) }),
  });
}

// An amount, or a part of the price such as 10%.
export function changeDiscount() {
  const line = selectedLine();
  if (!line) return;
  const gross = line.amount_minor + line.discount_minor;
  dialogs.askText({
    title: line.name || line.gtin, label: say('discount_of'), value: line.discount_minor ? shown(line.discount_minor) : '', numeric: true,
    done: (text) => {
      const found = /^(\d{1,10}(?:[.,]\d{1,3})?)(\s*%)?$/.exec(text);
      if (!found) { changeDiscount(); return; }
      const number = Number(found[1].replace(',', '.'));
      change(line, { discount_minor: Math.round(found[2] ? (gross * number) / 100 : number * 10 ** decimals(basket().currency)) });
    },
  });
}

let asking = null; // the question to a supervisor that is open on this screen

// A supervisor is asked for on every screen; their card at any scanner, or their PIN here, answers.
export function authorisation(frame, wrong = '') {
  const waits = frame.line !== null && frame.basket_id === state.baskets.sale?.basket_id;
  if (!waits) {
    if (asking && dialogs.isAsking(asking)) { asking.cancelled = null; dialogs.close(); }
    asking = null;
    return;
  }
  if (dialogs.isOpen()) return;
  const { currency } = state.baskets.sale;
  asking = dialogs.askFields({
    title: say('supervisor_wanted'),
    about: `${frame.name}: ${money(frame.before_minor, currency)} → ${money(frame.after_minor, currency)}${frame.reason ? ` · ${wordOf(frame.reason) ?? frame.reason}` : ''}`,
    fields: [{ id: 'pin', label: say('pin_or_card'), kind: 'secret' }],
    yes: 'allow',
    wrong,
    done: async ({ pin }) => {
      try {
        await call('POST', '/v1/basket/authorise', { authorisation: pin, waiting_id: frame.waiting_id });
      } catch (error) {
        if (error.key === 'nothing_to_authorise') complain(error);
        else authorisation(frame, say(error.key) ?? error.message);
      }
    },
    cancelled: () => attempt('DELETE', '/v1/basket/authorise'),
  });
}
