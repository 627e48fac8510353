// Figures in words. No locale: the same report is the same text on every machine.

/** 10003 -> '10,003' */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** '1 case', '3,080 cases' */
export function counted(value: number, one: string, many: string = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** 0.9166 -> '91.66 %' */
export function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

/** A difference of two shares in percentage points, with its sign: 0.0045 -> '+0.45' */
export function points(difference: number): string {
  return signed(difference * 100, 2);
}

/** '+0.45', '−0.45', '±0.00' */
export function signed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? `±${text}` : `${value < 0 ? '−' : '+'}${text}`;
}

/** 12 -> '+12', -3 -> '−3', 0 -> '0' */
export function signedCount(value: number): string {
  return value === 0 ? '0' : `${value < 0 ? '−' : '+'}${count(Math.abs(value))}`;
}

/** 'p = 0.027', 'p < 0.001' */
export function probability(p: number): string {
  return p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`;
}

/** 0.31 -> '0.3 s', 125 -> '2 min 05 s', 7384 -> '2 h 03 min' */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
