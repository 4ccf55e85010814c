// A tone for each outcome, so that a cashier need not look: high and short is good, two falling ones are a refusal.
let context = null;

export function wake() {
  context ??= new AudioContext();
  if (context.state === 'suspended') context.resume();
}

const tones = {
  good: [[1320, 0, 0.07]],
  ask: [[740, 0, 0.12], [740, 0.18, 0.12]],
  refuse: [[420, 0, 0.2], [280, 0.22, 0.34]],
  unreadable: [[240, 0, 0.24]],
  ignored: [[600, 0, 0.04]],
};

export function play(look) {
  if (!context || context.state !== 'running') return;
  for (const [frequency, after, lasts] of tones[look] ?? []) {
    const begin = context.currentTime + after;
    const source = context.createOscillator();
    const volume = context.createGain();
    source.type = look === 'good' ? 'sine' : 'square';
    source.frequency.value = frequency;
    volume.gain.setValueAtTime(look === 'good' ? 0.25 : 0.12, begin);
    volume.gain.exponentialRampToValueAtTime(0.001, begin + lasts);
    source.connect(volume).connect(context.destination);
    source.start(begin);
    source.stop(begin + lasts);
  }
}
