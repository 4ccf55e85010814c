// Requests whose refusal is told in a line at the bottom, and the drawing of everything anew.
import { at, fill, html } from './dom.js';
import { Refused, call } from './link.js';
import { say } from './words.js';

let draw = () => {};
export function onChange(drawing) { draw = drawing; }
export function redraw() { draw(); }

let hiding = null;
export function complain(error) {
  if (!(error instanceof Refused)) throw error;
  const toast = at('toast');
  fill(toast, html`<span>${(error.key && say(error.key, { line: error.line })) || error.message}</span>`);
  toast.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { toast.hidden = true; }, 8000);
}

// Something that was done, and of which nothing else on the screen tells.
export function tellQuietly(text) {
  const toast = at('toast');
  fill(toast, html`<span>${text}</span>`);
  toast.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { toast.hidden = true; }, 3000);
}

export async function attempt(method, path, body) {
  try {
    const answer = await call(method, path, body);
    at('toast').hidden = true; // what was refused before is past
    return answer;
  } catch (error) {
    complain(error);
    return null;
  }
}
