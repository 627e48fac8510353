import { shortDigest } from '../base/digest.ts';
import { count, counted, percent, points, signed } from './figures.ts';
import { costInWords, headlineOf, metricRows, metricText, shortenedInWords, subjectOf, type Headline } from './headline.ts';
import { casesSection, classesSection, confusionSection, calibrationSection, curvesSection, metricsSection } from './html-evaluation.ts';
import { dataSection, gateSection, paramsSection, stagesSection } from './html-change.ts';
import { htmlHead } from './html-head.ts';
import { driftSection, findingsSection } from './html-checks.ts';
import { validationSection } from './html-validation.ts';
import { Markup, markup } from './html-text.ts';
import type { Report } from './schema.ts';
import { style } from './style.ts';

/**
 * The report as one HTML file: no script, nothing fetched, light and dark, for screen, phone and paper. Under 1 MB whatever comes in,
 * since the report is bounded. Its policy allows the style sheet by digest and nothing else, so not even a hole in the escaping could
 * run or load anything.
 */
export function renderHtml(report: Report): string {
  const sections: [id: string, title: string, body: Markup | null][] = [
    ['gate', 'Gate', gateSection(report)],
    ['data', 'Data', dataSection(report)],
    ['validation', 'Validation', validationSection(report)],
    ['checks', 'Checks of the data', findingsSection(report)],
    ['drift', 'Drift', driftSection(report)],
    ['hyperparameters', 'Hyperparameters', paramsSection(report)],
    ['stages', 'What ran', stagesSection(report)],
    ['metrics', 'Metrics', metricsSection(report)],
    ['broken', 'Newly broken', casesSection(report, 'broken')],
    ['fixed', 'Newly fixed', casesSection(report, 'fixed')],
    ['classes', 'Classes', classesSection(report)],
    ['confusion', 'Confusion', confusionSection(report)],
    ['calibration', 'Calibration', calibrationSection(report)],
    ['training', 'Training', curvesSection(report)],
  ];
  const there = sections.flatMap(([id, title, body]) => (body === null ? [] : [{ id, title, body }]));
  const headline = headlineOf(report);
  const name = `${subjectOf(report)}: ${headline.gate.toLowerCase()}${headline.verdict === '' ? '' : `, ${headline.verdict}`}`;
  const page = markup`${htmlHead(name, style)}
<header>
<p class="brand">Plumbline ${report.model === null ? 'data' : 'model'} report</p>
<h1>${subjectOf(report)}</h1>
${facts(report)}
${banner(headline, report.problem?.mend)}
${report.warnings.length === 0 ? null : markup`<ul class="notes" aria-label="Warnings">${report.warnings.map((text) => markup`<li>${text}</li>`)}</ul>`}
${tiles(report)}
<nav aria-label="Sections">${there.map(({ id, title }) => markup`<a href="#${id}">${title}</a>`)}</nav>
</header>
<main>
${there.map(({ id, title, body }) => markup`<section class="${id}" aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${body}</section>\n`)}
</main>
${footer(report)}
</body>
</html>
`;
  return page.html;
}

function facts(report: Report): Markup {
  const { branch, revision, base } = report.title;
  const fact = (name: string, value: string | null): Markup | null =>
    value === null ? null : markup`<li><b>${name}</b><code class="cell">${value}</code></li>`;
  return markup`<ul class="facts">${fact('branch', branch)}${fact('revision', revision)}${fact('into', base)}${fact('changes since', report.change?.since ?? null)}${fact('model', report.candidate === null ? null : shortDigest(report.candidate.artifact))}${
    report.baseline === null ? null : fact(report.baseline.what, shortDigest(report.baseline.artifact))
  }</ul>`;
}

const shapes = {
  good: new Markup('<path d="M12 20.5l5.5 5.5L28.5 14.5"/>'),
  bad: new Markup('<path d="M14 14l12 12M26 14L14 26"/>'),
  mixed: new Markup('<path d="M20 11.5v11.5M20 28.2v.3"/>'),
};

/** @param mend what to do about it, where there is no model */
function banner(headline: Headline, mend: string | undefined): Markup {
  return markup`<div class="banner ${headline.tone}">
<svg viewBox="0 0 40 40" class="${headline.tone}" fill="none" stroke="currentColor" stroke-width="3.2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><circle cx="20" cy="20" r="17"/>${shapes[headline.tone]}</svg>
<p class="say ${headline.tone}">${headline.gate}${headline.verdict === '' ? null : markup` <span>· ${headline.verdict}</span>`}</p>
${headline.reasons.map((why) => markup`<p class="why">${why.replace(/\.$/, '')}.</p>`)}
${mend === undefined ? null : markup`<p class="why">What to do: ${mend}.</p>`}
</div>`;
}

function tiles(report: Report): Markup | null {
  const { evaluation, comparison } = report;
  if (evaluation === null) return null;
  const wanted = ['Accuracy', 'Macro F1', 'Calibration error (ECE)'];
  const rows = metricRows(report).filter((row) => wanted.includes(row.name));
  const tile = (name: string, big: string | Markup, was: string | Markup): Markup =>
    markup`<li class="tile"><span class="name">${name}</span><span class="big">${big}</span><span class="was">${was}</span></li>`;
  const metricTiles = rows.map((row) => {
    const difference = row.before === null ? null : row.after - row.before;
    const value = row.unit === 'percent' ? markup`${percent(row.after).replace(' %', '')}<small> %</small>` : metricText(row.after, row.unit);
    if (difference === null || row.before === null) return tile(row.name, value, row.name === 'Accuracy' ? counted(evaluation.cases, 'case') : '');
    const better = row.better === 'higher' ? difference > 0 : difference < 0;
    const change = row.unit === 'percent' ? `${points(difference)} points` : signed(difference, 4);
    const tone = change.startsWith('±') ? 'soft' : better ? 'good' : 'bad';
    return tile(row.name, value, markup`<span class="${tone}">${change}</span> from ${metricText(row.before, row.unit)}`);
  });
  const paired =
    comparison === null
      ? tile('Right answers', count(evaluation.correct), `of ${counted(evaluation.cases, 'case')}`)
      : tile(
          'Cases that changed',
          markup`<span class="bad">${count(comparison.lost)}</span><small> broken</small> <span class="good">${count(comparison.gained)}</span><small> fixed</small>`,
          `of ${counted(comparison.cases, 'case')}`,
        );
  return markup`<ul class="tiles">${metricTiles}${paired}</ul>`;
}

function footer(report: Report): Markup {
  const line = (name: string, value: string | null): Markup | null =>
    value === null ? null : markup`<dt>${name}</dt><dd class="mono">${value}</dd>`;
  const cut = shortenedInWords(report);
  const measured = Object.keys(report.cost.measured)
    .toSorted()
    .slice(0, 30)
    .map((name) => `${name} ${Number((report.cost.measured[name] ?? 0).toPrecision(4))}`);
  const { candidate, baseline, evaluation, links } = report;
  return markup`<footer><dl>
${candidate === null ? null : markup`${line('model', candidate.artifact)}${line('run', candidate.run)}${line('commit', candidate.commit ?? 'not committed')}`}
${baseline === null ? null : markup`${line(baseline.what, baseline.artifact)}${line('its run', baseline.run)}${line('its commit', baseline.commit)}`}
${evaluation === null ? null : markup`${line('suite', evaluation.suite)}${line('cases', evaluation.data)}`}
${line('work', costInWords(report))}${measured.length === 0 ? null : line('measured', measured.join(', '))}
${(links ?? []).map(({ name, url }) => line(name === 'run' ? 'CI run' : 'page', url))}
</dl>${cut.length === 0 ? null : markup`<p>Lists are shortened to examples: ${cut.join('; ')}.</p>`}
${evaluation === null ? null : intervals}</footer>`;
}

const intervals = markup`<p>Intervals are 95 %. Accuracy: Wilson. Difference of accuracies on the same cases: Newcombe 1998, method 10. Significance: exact McNemar; per class with Holm’s correction.</p>`;
