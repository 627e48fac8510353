// The page of an export: what is served, what was decided, on which evidence. One file, no script, nothing fetched: it opens from a folder, on a machine
// without network, and prints. All that comes from people and models is text in it, never markup.
import { shortDigest } from '../base/digest.ts';
import type { LogRecord } from '../registry/decision-log.ts';
import { htmlHead } from '../report/html-head.ts';
import { markup, type Markup } from '../report/html-text.ts';
import { style } from '../report/style.ts';
import type { Archive } from './archive.ts';
import { dataUses, type Dossier } from './dossier.ts';
import { selectRecords } from './selection.ts';
import { approversOf, decisionInWords, objectionsOf, timeInWords } from './words.ts';

const extra = `
details.record{margin:0;border:0}details.record summary{padding:2px 0}
.record dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 16px;margin:6px 0 14px;font-size:14px}.record dt{color:var(--faint)}.record dd{margin:0}
.when{white-space:nowrap;font-variant-numeric:tabular-nums}
.served{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:16px;margin:14px 0;padding:0;list-style:none}
.served li{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:16px 18px}
.served h3{margin:0 0 6px}.served dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 12px;margin:0;font-size:14px}.served dt{color:var(--faint)}.served dd{margin:0}
@media print{details.record::details-content{content-visibility:visible;block-size:auto}}
`;

export function renderPage(archive: Archive, dossiers: readonly Dossier[]): string {
  const { records, selection } = archive;
  const chosen = selectRecords(records, selection);
  const title = `Decisions${selection.model === null ? '' : ` about ${selection.model}`}`;
  return markup`${htmlHead(title, style + extra)}
<header>
<p class="brand">Plumbline audit</p>
<h1>${title}</h1>
${facts(archive, chosen)}
<nav aria-label="Sections"><a href="#served">Served</a><a href="#decisions">Decisions</a><a href="#check">How to check this</a></nav>
</header>
<main>
<section aria-labelledby="served"><h2 id="served">Served${selection.to === null ? '' : ` at ${timeInWords(selection.to)} UTC`}</h2>${servedSection(dossiers)}</section>
<section aria-labelledby="decisions"><h2 id="decisions">Decisions</h2>${decisionsSection(chosen)}</section>
<section aria-labelledby="check"><h2 id="check">How to check this</h2>${checkSection(archive)}</section>
</main>
<footer><p>This page is a view of the signed records in the folder <code>records</code>. Times are UTC.</p></footer>
</body>
</html>
`.html;
}

function facts({ records, selection }: Archive, chosen: readonly LogRecord[]): Markup {
  const [first, last] = [records[0]?.decision, records.at(-1)];
  const fact = (name: string, value: string): Markup => markup`<li><b>${name}</b><code class="cell">${value}</code></li>`;
  const period = `${selection.from === null ? 'the start' : timeInWords(selection.from)} to ${selection.to === null ? 'the last record' : timeInWords(selection.to)}`;
  return markup`<ul class="facts">${[
    fact('repository', first?.repository ?? 'unknown'),
    fact('branch', first?.branch ?? 'unknown'),
    fact('period', period),
    fact('decisions', `${chosen.length} of ${records.length}`),
    fact('head of the log', last?.digest ?? 'none'),
  ]}</ul>`;
}

function servedSection(dossiers: readonly Dossier[]): Markup {
  if (dossiers.length === 0) return markup`<p class="lead">Nothing was served.</p>`;
  return markup`<ul class="served">${dossiers.map((dossier) => {
    const { served, decision, evaluation, promotion, findings } = dossier;
    const line = (name: string, value: string | Markup): Markup => markup`<dt>${name}</dt><dd>${value}</dd>`;
    const data = dataUses(dossier).filter(({ use }) => use === 'trained');
    return markup`<li><h3>${served.model} <span class="pill">${served.stage}</span></h3><dl>
${line('model', markup`<code>${shortDigest(served.artifact)}</code>`)}${line('since', `${timeInWords(served.since)} UTC`)}
${line('record', `${served.seq}: ${decisionInWords(decision)}`)}${line('approved by', approversOf(decision) || 'nobody')}
${evaluation === null ? null : line('accuracy', `${(100 * evaluation.accuracy.value).toFixed(2)} % of ${evaluation.cases} cases`)}
${promotion === null ? null : line('gate', promotion.gate.holds ? 'holds' : markup`<span class="bad">does not hold${promotion.forced === null ? '' : `; forced: ${promotion.forced.reason}`}</span>`)}
${data.length === 0 ? null : line('trained on', data.map(({ name }) => name).join(', '))}
${findings.length === 0 ? null : line('evidence', markup`<span class="bad">${findings.map(({ what }) => what).join('; ')}</span>`)}
</dl></li>`;
  })}</ul>`;
}

function decisionsSection(chosen: readonly LogRecord[]): Markup {
  if (chosen.length === 0) return markup`<p class="lead">None in this period.</p>`;
  return markup`<div class="wide"><table class="stack line"><thead><tr><th class="n">no.</th><th>when (UTC)</th><th>what</th><th>approved by</th></tr></thead><tbody>
${chosen.toReversed().map(
  (
    record,
  ) => markup`<tr><td class="n">${record.decision.seq}</td><td class="when">${timeInWords(record.decision.at)}</td><td>${recordDetails(record)}</td><td>${approversOf(record.decision)}</td></tr>
`,
)}</tbody></table></div>`;
}

function recordDetails({ decision, digest, signedBy, subject }: LogRecord): Markup {
  const line = (name: string, value: string | Markup | null): Markup | null =>
    value === null || value === '' ? null : markup`<dt>${name}</dt><dd>${value}</dd>`;
  const mono = (text: string | null): Markup | null => (text === null ? null : markup`<code>${text}</code>`);
  const { pull, holds } = decision;
  const tone = holds ? 'good' : 'bad';
  return markup`<details class="record"><summary><span class="${tone}">${decisionInWords(decision)}</span></summary><dl>
${decision.moves.map(({ model, stage, from, to, pointer, served }) => markup`${line(`${model} ${stage}`, `${from === null ? 'nothing' : shortDigest(from)} → ${to === null ? 'nothing' : shortDigest(to)}, ${served ? 'served' : 'not served'}`)}${line('pointer', mono(pointer))}`)}
${decision.revoked.map((one) => line('revoked', mono(one)))}
${objectionsOf(decision).map((text) => line('does not hold', text))}
${line('reason', decision.reason)}
${pull === null ? line('pull request', 'none') : line('pull request', `${pull.number} by ${pull.author ?? 'nobody known'}, merged by ${pull.mergedBy ?? 'nobody known'}: ${pull.url}`)}
${decision.approvals.map(({ login, review, at }) => line('approved', `${login}${review === undefined ? '' : `, review ${review}`}${at === undefined ? '' : `, ${timeInWords(at)}`}`))}
${line('commit', mono(decision.commit))}${line('policy', mono(decision.policy))}${line('decided by', `${decision.by.name}${decision.by.run === null ? '' : `, ${decision.by.run}`}`)}
${line('signed by', `${signedBy.kind === 'key' ? 'key ' : ''}${signedBy.name}`)}${line('record', mono(digest))}
${subject.map(({ name, digest: { sha256 } }) => line(name, mono(sha256)))}
</dl></details>`;
}

function checkSection({ records }: Archive): Markup {
  const head = records.at(-1)?.digest ?? '';
  return markup`<p class="lead">Compare the head of the log with what you were told elsewhere, then let a program follow every digest and signature. Without Plumbline, the page
docs/audit.md of its documentation says enough to write such a program.</p><p><code>plumb audit verify . --expect-head ${head}</code></p>`;
}
