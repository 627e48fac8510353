// drift/1 as one page that stands by itself: what drifted with its plots, then all else.
import type { DriftColumn, DriftReport } from '../quality/drift/schema.ts';
import { driftFigure } from './drift-plot.ts';
import { comeInWords, reasonsOf, short } from './drift-words.ts';
import { count, counted, probability } from './figures.ts';
import { htmlHead } from './html-head.ts';
import { markup, type Markup } from './html-text.ts';
import { style } from './style.ts';

/** Bytes of plots; the whole page stays below a megabyte. */
const roomForPlots = 600_000;
const mostRows = 300;

export function renderDriftPage(report: DriftReport): string {
  const drifted = report.columns.filter(({ state }) => state !== 'same');
  const same = report.columns.filter(({ state }) => state === 'same');
  const answer = drifted.length === 0 ? 'Nothing drifted' : `${counted(report.drifted, 'column')} drifted`;
  const tone = drifted.length === 0 ? 'good' : report.holds ? 'mixed' : 'bad';
  let room = roomForPlots;
  const figures = (columns: readonly DriftColumn[]): Markup[] =>
    columns.flatMap((column) => {
      const figure = driftFigure(column);
      if (figure === null || figure.html.length > room) return [];
      room -= figure.html.length;
      return [figure];
    });
  const page = markup`${htmlHead(`${report.data}: ${answer.toLowerCase()}`, style)}
<header>
<p class="brand">Plumbline drift report</p>
<h1>${report.data}</h1>
<ul class="facts"><li><b>against</b>${report.against.join(', ')}</li><li><b>rows</b>${count(report.rows.before)} → ${count(report.rows.after)}</li><li><b>tests</b>${count(report.tests)}, corrected (${report.settings.correction})</li></ul>
<div class="banner ${tone}"><p class="say">${answer}</p><p class="why">A drift has an effect of at least its threshold, and p below ${report.settings.alpha} once corrected for the number of tests.</p></div>
${report.notes.length === 0 ? null : markup`<ul class="notes" aria-label="Notes">${report.notes.map((note) => markup`<li>${note}</li>`)}</ul>`}
</header>
<main>
${drifted.length === 0 ? null : markup`<section aria-labelledby="drifted"><h2 id="drifted">Drifted</h2><p class="lead">Bars are the rows of now, the line or the mark those of before.</p>${driftTable(drifted, report)}<div class="plots">${figures(drifted)}</div></section>`}
${same.length === 0 ? null : markup`<section aria-labelledby="same"><h2 id="same">As before</h2>${measuresTable(same.slice(0, mostRows))}<details><summary>Plots</summary><div class="plots">${figures(same)}</div></details></section>`}
</main>
</body>
</html>
`;
  return page.html;
}

/** One row a column: which, why, and what came. */
export function driftTable(columns: readonly DriftColumn[], { rows }: Pick<DriftReport, 'rows'>): Markup {
  const lines = columns.map((column) => {
    const came = comeInWords(column, 5);
    const { before, after } = column.shape ?? column.length ?? { before: null, after: null };
    const moved =
      before === null || after === null
        ? null
        : markup`<p class="row soft">mean ${short(before.mean)} → ${short(after.mean)}, median ${short(before.quantiles[2])} → ${short(after.quantiles[2])}</p>`;
    return markup`<tr><th scope="row"><code class="cell">${column.column}</code>${column.label ? markup` <span class="pill">label</span>` : null}</th><td>${reasonsOf(column, rows).map((reason) => markup`<p class="row">${reason}</p>`)}${moved}${came === null ? null : markup`<p class="row soft">${came}</p>`}</td></tr>`;
  });
  return markup`<table class="stack"><thead><tr><th scope="col">Column</th><th scope="col">Drift</th></tr></thead><tbody>${lines}</tbody></table>`;
}

function measuresTable(columns: readonly DriftColumn[]): Markup {
  const rows = columns.map((column) => {
    const [first] = column.aspects;
    const least = column.aspects.reduce((p, { test }) => Math.min(p, test.adjusted), 1);
    const effect = first === undefined ? '' : `${first.effect.measure} ${short(first.effect.value)}`;
    const note = least < 0.05 ? 'more than chance, too small to tell' : '';
    return markup`<tr><th scope="row"><code class="cell">${column.column}</code></th><td>${column.kind}</td><td>${effect}</td><td>${column.aspects.length === 0 ? '' : probability(least)}</td><td class="soft">${note}</td></tr>`;
  });
  return markup`<table class="stack line"><thead><tr><th scope="col">Column</th><th scope="col">Kind</th><th scope="col">Effect</th><th scope="col">Smallest p</th><th scope="col"></th></tr></thead><tbody>${rows}</tbody></table>`;
}
