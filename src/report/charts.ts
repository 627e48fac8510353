// Charts as inline SVG, by hand: no document, no library, and colours from the page's CSS, so that dark mode and paper just work.
// Tracks (one row of a table) measure in percent of their cell and never distort; plots have a viewBox and are shown near its size.
import type { Evaluation, Interval } from '../evaluate/schema.ts';
import { percent } from './figures.ts';
import { markup, type Markup } from './html-text.ts';

export interface Domain {
  readonly low: number;
  readonly high: number;
}

/** A domain around values with a little air, within `within`. */
export function domainAround(values: readonly number[], within: Domain, least: number): Domain {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!Number.isFinite(low)) return within;
  const air = Math.max((high - low) * 0.12, (least - (high - low)) / 2, 1e-9);
  return { low: Math.max(within.low, low - air), high: Math.min(within.high, high + air) };
}

/** Round numbers inside a domain, about `target` of them. */
export function ticksOf(domain: Domain, target = 4): number[] {
  const span = domain.high - domain.low;
  if (!(span > 0)) return [domain.low];
  const rough = span / target;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(domain.low / step - 1e-9);
  const last = Math.floor(domain.high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

function at(domain: Domain, value: number): number {
  const span = domain.high - domain.low;
  return span > 0 ? Math.min(1, Math.max(0, (value - domain.low) / span)) : 0.5;
}

/** A place on a track: two percent of air on either side keep dots whole. */
function x(domain: Domain, value: number): string {
  return `${(3 + 94 * at(domain, value)).toFixed(2)}%`;
}

function gridLines(domain: Domain): Markup[] {
  return ticksOf(domain).map((tick) => markup`<line class="grid" x1="${x(domain, tick)}" x2="${x(domain, tick)}" y1="0" y2="100%"/>`);
}

/** A dot with its interval. */
export function intervalTrack(domain: Domain, interval: Interval, kind: 'before' | 'after', zero?: number): Markup {
  const [low, high] = [x(domain, interval.low), x(domain, interval.high)];
  return markup`<svg class="track" aria-hidden="true">${gridLines(domain)}${zero === undefined ? null : markup`<line class="zero" x1="${x(domain, zero)}" x2="${x(domain, zero)}" y1="0" y2="100%"/>`}<line class="span ${kind}" x1="${low}" x2="${high}" y1="50%" y2="50%"/><line class="span ${kind}" x1="${low}" x2="${low}" y1="30%" y2="70%"/><line class="span ${kind}" x1="${high}" x2="${high}" y1="30%" y2="70%"/><circle class="dot ${kind}" cx="${x(domain, interval.value)}" cy="50%" r="5"/></svg>`;
}

/** The numbers under a column of tracks. */
export function axisTrack(domain: Domain, format: (value: number) => string): Markup {
  const ticks = ticksOf(domain);
  // every other number makes way on a phone
  return markup`<svg class="track axis" aria-hidden="true">${ticks.map(
    (tick, index) =>
      markup`<text class="${index % 2 === 1 ? 'late' : null}" x="${x(domain, tick)}" y="12" text-anchor="middle">${format(tick)}</text>`,
  )}</svg>`;
}

/** From before (ring) to after (dot); green to the right, red to the left. */
export function changeTrack(domain: Domain, before: number, after: number): Markup {
  const tone = after > before ? 'good' : after < before ? 'bad' : 'before';
  return markup`<svg class="track" aria-hidden="true">${gridLines(domain)}<line class="span ${tone}" x1="${x(domain, before)}" x2="${x(domain, after)}" y1="50%" y2="50%"/><circle class="dot before" cx="${x(domain, before)}" cy="50%" r="4"/><circle class="dot ${tone}" cx="${x(domain, after)}" cy="50%" r="5"/></svg>`;
}

/** A bar from the left; a thin mark where it was before. */
export function barTrack(most: number, value: number, before: number | null): Markup {
  const share = (number: number): string => `${(most > 0 ? (100 * number) / most : 0).toFixed(2)}%`;
  return markup`<svg class="track" aria-hidden="true"><rect class="bar" x="0" y="25%" width="${share(value)}" height="50%" rx="2"/>${before === null ? null : markup`<line class="mark" x1="${share(before)}" x2="${share(before)}" y1="10%" y2="90%"/>`}</svg>`;
}

/** Two bars from the middle: lost to the left, gained to the right. */
export function balanceTrack(most: number, lost: number, gained: number): Markup {
  const half = (number: number): number => (most > 0 ? (50 * number) / most : 0);
  return markup`<svg class="track" aria-hidden="true"><rect class="bar bad" x="${(50 - half(lost)).toFixed(2)}%" y="25%" width="${half(lost).toFixed(2)}%" height="50%"/><rect class="bar good" x="50%" y="25%" width="${half(gained).toFixed(2)}%" height="50%"/><line class="zero" x1="50%" x2="50%" y1="0" y2="100%"/></svg>`;
}

const plot = { width: 300, height: 220, left: 40, right: 18, top: 10, bottom: 34 } as const;

function px(domain: Domain, value: number): string {
  return (plot.left + at(domain, value) * (plot.width - plot.left - plot.right)).toFixed(1);
}

function py(domain: Domain, value: number): string {
  return (plot.height - plot.bottom - at(domain, value) * (plot.height - plot.top - plot.bottom)).toFixed(1);
}

function frame(
  across: Domain,
  up: Domain,
  format: (value: number) => string,
  formatUp: (value: number) => string,
  titles: { across: string; up: string },
): Markup {
  const [bottom, right] = [plot.height - plot.bottom, plot.width - plot.right];
  return markup`${ticksOf(up).map((tick) => markup`<line class="grid" x1="${plot.left}" x2="${right}" y1="${py(up, tick)}" y2="${py(up, tick)}"/><text x="${plot.left - 6}" y="${py(up, tick)}" dy="0.32em" text-anchor="end">${formatUp(tick)}</text>`)}${ticksOf(across, 5).map((tick) => markup`<text x="${px(across, tick)}" y="${bottom + 14}" text-anchor="middle">${format(tick)}</text>`)}<line class="rule" x1="${plot.left}" x2="${right}" y1="${bottom}" y2="${bottom}"/><text class="title" x="${right}" y="${plot.height - 4}" text-anchor="end">${titles.across}</text>`;
}

/**
 * Reliability: how often the model is right (up) where it is this sure (across). On the diagonal, its probabilities are honest.
 * The area of a dot says how many cases are in the bin.
 */
export function reliabilityPlot(calibration: Evaluation['calibration'], kind: 'before' | 'after', label: string): Markup {
  const whole = { low: 0, high: 1 };
  const bins = calibration.bins.filter((bin) => bin.cases > 0);
  const most = bins.reduce((a, bin) => Math.max(a, bin.cases), 1);
  const share = (value: number): string => `${Math.round(value * 100)}%`;
  return markup`<svg class="plot" viewBox="0 0 ${plot.width} ${plot.height}" role="img" aria-label="${label}">${frame(whole, whole, share, share, { across: 'confidence', up: 'right' })}<line class="ideal" x1="${px(whole, 0)}" y1="${py(whole, 0)}" x2="${px(whole, 1)}" y2="${py(whole, 1)}"/><polyline class="line ${kind} thin" points="${bins.map((bin) => `${px(whole, bin.confidence)},${py(whole, bin.accuracy)}`).join(' ')}"/>${bins.map((bin) => markup`<circle class="dot ${kind}" cx="${px(whole, bin.confidence)}" cy="${py(whole, bin.accuracy)}" r="${(2.5 + 6.5 * Math.sqrt(bin.cases / most)).toFixed(1)}"><title>${`${bin.cases} cases: sure ${percent(bin.confidence)}, right ${percent(bin.accuracy)}`}</title></circle>`)}</svg>`;
}

/** One series over steps or epochs, with its last value. */
export function linePlot(
  points: readonly { readonly x: number; readonly y: number }[],
  titles: { readonly across: string; readonly label: string },
): Markup {
  const across = {
    low: points.reduce((a, point) => Math.min(a, point.x), Infinity),
    high: points.reduce((a, point) => Math.max(a, point.x), -Infinity),
  };
  const up = domainAround(
    points.map((point) => point.y),
    { low: -Infinity, high: Infinity },
    0,
  );
  const last = points.at(-1);
  const short = (value: number): string => String(Number(value.toPrecision(3)));
  return markup`<svg class="plot" viewBox="0 0 ${plot.width} ${plot.height}" role="img" aria-label="${titles.label}">${frame(across, up, short, short, { across: titles.across, up: '' })}<polyline class="line after" points="${points.map((point) => `${px(across, point.x)},${py(up, point.y)}`).join(' ')}"/>${last === undefined ? null : markup`<circle class="dot after" cx="${px(across, last.x)}" cy="${py(up, last.y)}" r="4"/>`}</svg>`;
}
