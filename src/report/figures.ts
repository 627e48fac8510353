// Figures in words: the gate's own, and what a report needs beside them. No locale: the same report is the same text on every machine.

import { count } from '../evaluate/words.ts';

export { count, counted, percent, points, probability } from '../evaluate/words.ts';

/** '+0.45', '−0.45', '±0.00' */
export function signed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? `±${text}` : `${value < 0 ? '−' : '+'}${text}`;
}

/** 12 -> '+12', -3 -> '−3', 0 -> '0' */
export function signedCount(value: number): string {
  return value === 0 ? '0' : `${value < 0 ? '−' : '+'}${count(Math.abs(value))}`;
}

/** 0.31 -> '0.3 s', 125 -> '2 min 05 s', 7384 -> '2 h 03 min' */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
