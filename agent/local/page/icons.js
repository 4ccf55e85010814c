// One shape for each meaning: colour is never the only sign.
const shapes = {
  good: '<circle cx="32" cy="32" r="28" class="face"/><path d="M19 33l9 9 17-20" class="line"/>',
  ask: '<path d="M32 4l28 28-28 28L4 32z" class="face"/><path d="M25 26c0-9 15-9 15 0 0 6-8 6-8 12M32 46v.5" class="line"/>',
  refuse: '<path d="M21 4h22l17 17v22L43 60H21L4 43V21z" class="face"/><path d="M22 22l20 20M42 22L22 42" class="line"/>',
  unreadable: '<rect x="4" y="10" width="56" height="44" rx="8" class="face"/><path d="M15 21v22M23 21v22M31 21v9M31 36v7M39 21v22M48 21v22M12 47l40-31" class="line thin"/>',
  ignored: '<circle cx="32" cy="32" r="28" class="face"/><path d="M20 26h20l-6-6M44 38H24l6 6" class="line thin"/>',
  case: '<path d="M8 20l24-12 24 12v26L32 58 8 46zM8 20l24 12 24-12M32 32v26M20 14l24 12v8" class="line thin"/>',
  idle: '<path d="M6 20V8h12M46 8h12v12M58 44v12H46M18 56H6V44" class="line thin quiet"/><path d="M16 20v24M23 20v24M29 20v24M38 20v24M43 20v24M49 20v24" class="line thin quiet"/>',
  online: '<path d="M8 26c14-13 34-13 48 0M17 36c9-8 21-8 30 0M26 46c4-3 8-3 12 0" class="line thin"/>',
  offline: '<path d="M8 26c14-13 34-13 48 0M17 36c9-8 21-8 30 0M26 46c4-3 8-3 12 0M10 8l44 48" class="line thin"/>',
  unsent: '<path d="M32 46V14M20 26l12-12 12 12M12 54h40" class="line thin"/>',
  unsettled: '<circle cx="32" cy="32" r="24" class="line thin"/><path d="M32 18v14l10 8" class="line thin"/>',
  scanner: '<path d="M12 12h32l8 10-8 10H26v20H14V32h-2z" class="line thin"/>',
  warning: '<path d="M32 8l26 46H6z" class="line thin"/><path d="M32 26v12M32 46v.5" class="line thin"/>',
};

export function icon(name, label = '') {
  const hidden = label ? `role="img" aria-label="${label}"` : 'aria-hidden="true"';
  return `<svg class="icon icon-${name}" viewBox="0 0 64 64" ${hidden}>${shapes[name] ?? shapes.idle}</svg>`;
}
