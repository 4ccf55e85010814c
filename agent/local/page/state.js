// What the page knows. All of it comes from the agent, and comes again when the page is opened anew.
export const state = {
  connected: false,
  everConnected: false,
  status: null,
  statusAt: 0,
  mode: 'sale',
  baskets: { sale: null, return: null },
  goods: null,
  cases: { pack: null, unpack: null }, // the case that is open in each of the two modes
  counting: null, // what is being counted at the counter
  stocktakes: [],
  missing: null, // null: not shown
  shipping: null, // the goods that leave
  sites: [],
  choosing: false, // another destination
  finding: '', // what a destination's name must have in it
  draft: null,
  shift: null, // whether a shift is open, and who is at the till
  adjusting: null, // the goods that are noted as gone or found
  despatches: [],
  orders: null, // null: not shown
  selected: null, // the line, product or order that keys act on
  last: null, // the scan that is shown
  refusals: [], // refused and asked scans that wait to be acknowledged
  trail: [],
  completed: null, // the document completed last, until the next scan
};

export function basket() {
  return state.baskets[state.mode === 'return' ? 'return' : 'sale'];
}
