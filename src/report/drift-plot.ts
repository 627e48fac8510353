// Drift as inline SVG: the new version as bars, the one before as a line over them, both as shares of their rows.
import type { DriftColumn, DriftPlot } from '../quality/drift/schema.ts';
import { barTrack } from './charts.ts';
import { percent } from './figures.ts';
import { labelMarkup, markup, type Markup } from './html-text.ts';
import { shares, short } from './drift-words.ts';

const plot = { width: 300, height: 150, left: 40, right: 8, top: 8, bottom: 30 } as const;

const barsClass = markup` class="bars"`;

export function driftFigure({ column, plot: drawn, kind }: DriftColumn): Markup | null {
  if (drawn === undefined) return null;
  const of = drawn.kind === 'histogram' && drawn.of === 'length' ? ', length of its texts' : kind === 'category' ? ', share of rows' : '';
  return markup`<figure${drawn.kind === 'bars' ? barsClass : null}><figcaption><b>${column}</b>${of}</figcaption>${drawn.kind === 'histogram' ? histogram(drawn, column) : bars(drawn)}</figure>`;
}

type Histogram = Extract<DriftPlot, { kind: 'histogram' }>;

function histogram({ edges, before, after }: Histogram, column: string): Markup {
  const [old, now] = [shares(before), shares(after)];
  const most = Math.max(...old, ...now, 1e-9);
  const [floor, inner] = [plot.height - plot.bottom, plot.width - plot.left - plot.right];
  const width = inner / now.length;
  const x = (bin: number): string => (plot.left + bin * width).toFixed(1);
  const y = (share: number): string => (floor - (share / most) * (floor - plot.top)).toFixed(1);
  const rects = now.map(
    (share, bin) =>
      markup`<rect class="bar" x="${x(bin + 0.08)}" y="${y(share)}" width="${(width * 0.84).toFixed(1)}" height="${((share / most) * (floor - plot.top)).toFixed(1)}"/>`,
  );
  const line = old.flatMap((share, bin) => [`${x(bin)},${y(share)}`, `${x(bin + 1)},${y(share)}`]).join(' ');
  const middle = Math.floor(edges.length / 2);
  const ticks = [0, middle, edges.length - 1].filter((at, index, all) => all.indexOf(at) === index);
  const labels = ticks.map((at) => markup`<text x="${x(at + 1)}" y="${floor + 14}" text-anchor="middle">${short(edges[at] ?? 0)}</text>`);
  const label = `${column}: shares of rows before and now in ${now.length} bins`;
  return markup`<svg class="plot" viewBox="0 0 ${plot.width} ${plot.height}" role="img" aria-label="${label}"><text x="${plot.left - 6}" y="${plot.top}" dy="0.7em" text-anchor="end">${percent(most, 0)}</text>${rects}<polyline class="line before" points="${line}"/><line class="rule" x1="${plot.left}" x2="${plot.width - plot.right}" y1="${floor}" y2="${floor}"/>${labels}</svg>`;
}

/** The bar is the share now, the mark across it the share before. */
function bars({ labels, before, after, others }: Extract<DriftPlot, { kind: 'bars' }>): Markup {
  const [old, now] = [shares(before, others.before), shares(after, others.after)];
  const most = Math.max(...old, ...now, 1e-9);
  const rows = labels.map((label, at) => {
    const [was, is] = [old[at] ?? 0, now[at] ?? 0];
    return markup`<tr><th scope="row">${labelMarkup(label)}</th><td class="track-cell">${barTrack(most, is, was)}</td><td class="n">${percent(was, 1)} → ${percent(is, 1)}</td></tr>`;
  });
  return markup`<table class="middle bare"><tbody>${rows}</tbody></table>`;
}
