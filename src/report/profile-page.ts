// A profile as one page that fetches nothing and runs nothing: its charts are SVG. Names and values are hostile text.
import type { ColumnProfile, NumberSummary, Profile } from '../quality/profile/schema.ts';
import { countText, shareText, shortNumber, shownValue } from '../quality/profile/words.ts';
import { barTrack, ticksOf } from './charts.ts';
import { htmlHead } from './html-head.ts';
import { labelMarkup, markup, type Markup } from './html-text.ts';
import { style } from './style.ts';
import { cut } from './visible.ts';

const sheet = `${style}
.column{border-top:1px solid var(--line);padding:6px 0 18px}
.column h2{margin-top:18px}
.column .pill{margin-left:8px;vertical-align:2px}
.parts{display:grid;grid-template-columns:minmax(240px,5fr) 6fr;gap:8px 40px;align-items:start}
.facts.list{display:block;margin:0}
td.value{width:45%}
@media screen and (max-width:760px){.parts{display:block}}
`;

/** @param profile already masked: profile/masked.ts */
export function renderProfilePage(profile: Profile): string {
  const { data, rows, columns, content } = profile;
  const page = markup`${htmlHead(`Profile of ${data}`, sheet)}
<header><p class="brand">Plumbline data profile</p>
<h1>${labelMarkup(cut(data, 200))}</h1>
<ul class="facts"><li><b>rows</b>${countText(rows)}</li><li><b>columns</b>${countText(columns.length)}</li><li><b>content</b><code>${content.slice(0, 19)}</code></li></ul>
</header>
<main><section>
${columns.map((column, at) => columnSection(column, at, profile))}
</section></main>
<footer><p>Missing: no such key, null, or an empty text. Texts are measured in characters, lists in items. Bars and quantiles count all rows, none is a sample.</p></footer>
</body></html>
`;
  return page.html;
}

function columnSection(column: ColumnProfile, at: number, { rows, key, label }: Profile): Markup {
  const role = column.name === key ? 'key' : column.name === label ? 'label' : null;
  const measured = column.numbers ?? (column.distinct > column.top.length ? column.lengths : null);
  const of = column.numbers === null ? (column.type === 'list' ? 'items' : 'characters') : 'value';
  return markup`<div class="column"><h2 id="c${at}">${labelMarkup(cut(column.name, 200))}<span class="pill">${column.format ?? column.type}</span>${role === null ? null : markup`<span class="pill">${role}</span>`}</h2>
<ul class="facts">${facts(column, rows).map(([name, value]) => markup`<li><b>${name}</b>${value}</li>`)}</ul>
<div class="parts">${measured === null ? null : markup`<div>${histogram(measured, of)}${quantiles(measured)}</div>`}${topTable(column, rows)}</div></div>
`;
}

function facts({ missing, distinct, once, types, range, shapes, shape_count: shapeCount, numbers }: ColumnProfile, rows: number): [string, string][] {
  const kinds = Object.entries(types);
  return [
    ['missing', missing.rows === 0 ? 'none' : `${countText(missing.rows)} (${shareText(missing.rows, rows)})`],
    ...(missing.nan === 0 ? [] : [['NaN', countText(missing.nan)] as [string, string]]),
    ['different values', countText(distinct)],
    ...(once > 0 ? [['in one row only', countText(once)] as [string, string]] : []),
    ...(numbers === null
      ? []
      : [
          ['mean', shortNumber(numbers.mean)] as [string, string],
          ['standard deviation', numbers.sd === null ? 'none' : shortNumber(numbers.sd)] as [string, string],
        ]),
    ...(kinds.length > 1 ? [['types', kinds.map(([type, amount]) => `${type} ${shareText(amount, rows)}`).join(', ')] as [string, string]] : []),
    ...(range === null ? [] : [['from', range[0]] as [string, string], ['to', range[1]] as [string, string]]),
    ...(shapeCount > 0 && shapeCount <= 3 ? [['shapes', shapes.map(({ shape }) => shape).join(', ')] as [string, string]] : []),
  ];
}

const plot = { width: 400, height: 120, bottom: 20 } as const;

function histogram({ histogram: bins, min, max }: NumberSummary, of: string): Markup {
  const most = bins.reduce((a, bin) => Math.max(a, bin.rows), 1);
  const width = plot.width / bins.length;
  const high = plot.height - plot.bottom;
  const x = (value: number): string => ((max > min ? (value - min) / ((bins.at(-1)?.to ?? max) - min) : 0.5) * plot.width).toFixed(1);
  return markup`<svg class="plot" viewBox="0 0 ${plot.width} ${plot.height}" role="img" aria-label="histogram of ${of}">${bins.map((bin, at) => {
    const height = bin.rows === 0 ? 0 : Math.max(1, (high * bin.rows) / most);
    return markup`<rect class="bar" x="${(at * width + 0.5).toFixed(1)}" y="${(high - height).toFixed(1)}" width="${Math.max(1, width - 1).toFixed(1)}" height="${height.toFixed(1)}"><title>${`${shortNumber(bin.from)} to ${shortNumber(bin.to)}: ${countText(bin.rows)} rows`}</title></rect>`;
  })}<line class="rule" x1="0" x2="${plot.width}" y1="${high}" y2="${high}"/>${ticksOf({ low: min, high: max }, 5)
    .filter((tick) => tick >= min && tick <= max)
    .map((tick) => markup`<text x="${x(tick)}" y="${plot.height - 6}" text-anchor="middle">${shortNumber(tick)}</text>`)}</svg>`;
}

function quantiles({ min, max, quantiles: { p05, p25, p50, p75, p95 } }: NumberSummary): Markup {
  const cells: [string, number][] = [
    ['least', min],
    ['5 %', p05],
    ['25 %', p25],
    ['median', p50],
    ['75 %', p75],
    ['95 %', p95],
    ['greatest', max],
  ];
  return markup`<div class="wide"><table><thead><tr>${cells.map(([name]) => markup`<th class="n">${name}</th>`)}</tr></thead><tbody><tr>${cells.map(([, value]) => markup`<td class="n">${shortNumber(value)}</td>`)}</tr></tbody></table></div>`;
}

function topTable({ top, distinct }: ColumnProfile, rows: number): Markup | null {
  const shown = top.slice(0, 10);
  if (shown.length === 0 || shown[0]?.rows === 1) return null;
  const most = shown[0]?.rows ?? 1;
  const more = distinct - shown.length;
  return markup`<table class="middle"><caption>most frequent${more > 0 ? `; ${countText(more)} more` : ''}</caption><tbody>${shown.map(
    (entry) =>
      markup`<tr><td class="value">${labelMarkup(cut(shownValue(entry.value), 80))}</td><td class="track-cell">${barTrack(most, entry.rows, null)}</td><td class="n">${shareText(entry.rows, rows)}</td></tr>`,
  )}</tbody></table>`;
}
