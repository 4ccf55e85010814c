// Keys: commands, and a keyboard scanner as a last resort.
//
// A scanner types faster than any person. A burst of characters is therefore a scan, wherever the focus is, and the Enter at
// its end closes nothing; what the burst has already put into a field is taken out of it again.
const BURST_GAP_MS = 45;
const BURST_LENGTH = 5;
const COMMAND_WAIT_MS = 70;

export function watch({ scan, command }) {
  let burst = '';
  let last = -1e9;
  let field = null;
  let before = '';
  let waiting = null; // a single letter: a command, unless more follows at a scanner's pace

  function wait(event) {
    const timer = setTimeout(() => { waiting = null; command(event); }, COMMAND_WAIT_MS);
    waiting = { timer, event };
  }

  function forget() {
    clearTimeout(waiting?.timer);
    waiting = null;
  }

  function isField(target) {
    return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
  }

  document.addEventListener('keydown', (event) => {
    const now = event.timeStamp;
    const fast = now - last <= BURST_GAP_MS;
    const isGroupSeparator = event.ctrlKey && event.key === ']';
    if ((event.ctrlKey || event.altKey || event.metaKey) && !isGroupSeparator) return;
    if (event.key === 'Shift' || event.key === 'CapsLock') return;
    if (event.key === 'Enter' || event.key === 'Tab') {
      const code = fast && burst.length >= BURST_LENGTH ? burst : null;
      burst = '';
      if (code) {
        event.preventDefault();
        event.stopPropagation();
        forget();
        scan(code);
        return;
      }
    }
    if (event.key.length === 1 || isGroupSeparator || event.key === 'F8') {
      last = now;
      if (!fast) {
        burst = '';
        field = isField(event.target) ? event.target : null;
        before = field ? field.value : '';
      }
      burst += isGroupSeparator || event.key === 'F8' ? '\u001d' : event.key;
      if (burst.length >= BURST_LENGTH) {
        event.preventDefault();
        if (field) field.value = before;
      }
      if (fast) forget();
      if (!isField(event.target)) {
        event.preventDefault();
        if (burst.length === 1) wait(event);
      }
      return;
    }
    if (waiting) {
      const { event: letter } = waiting;
      forget();
      command(letter);
    }
    if (isField(event.target) && !['Escape', 'Enter', 'F9', 'ArrowUp', 'ArrowDown'].includes(event.key)) return;
    if (command(event)) event.preventDefault();
  }, true);
}
