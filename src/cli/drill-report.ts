// What a drill found: figures, whether they are good enough, and a page of them.
import { shortDigest, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { formatSeconds } from '../base/progress.ts';
import { markup } from '../report/html-text.ts';
import { code, prose } from '../report/markdown-text.ts';
import { style } from '../report/style.ts';

export interface DrillStep {
  readonly step: 'rollback' | 'merge' | 'reconcile' | 'answering';
  readonly seconds: number;
}

/** The rollback of one model, rehearsed. */
export interface DrilledModel {
  readonly model: string;
  readonly stage: string;
  /** artifact that was rolled back */
  readonly from: Digest | null;
  /** that answers now */
  readonly to: Digest | null;
  /** others that went back with it */
  readonly with: readonly string[];
  readonly steps: readonly DrillStep[];
  /** from the word to the old model answering; null: it did not, within the objective */
  readonly secondsInAll: number | null;
  /** from the merge on */
  readonly secondsFromMerge: number | null;
  /** predictions that were asked for meanwhile, and those that got no answer */
  readonly asked: number;
  readonly unanswered: number;
  readonly notes: readonly string[];
}

/** drill/1 */
export interface Drill {
  readonly plumbline: 'drill/1';
  readonly at: string;
  readonly objectiveSeconds: number;
  /** decided by a log, as production is; false: pointers are believed */
  readonly log: boolean;
  readonly models: readonly DrilledModel[];
  /** models that have nothing to go back to, and why */
  readonly skipped: readonly { readonly model: string; readonly why: string }[];
  readonly holds: boolean;
}

/** A drill holds when every model that has an earlier one answered with it in time, and no request was left without an answer. */
export function drillHolds(models: readonly DrilledModel[], objectiveSeconds: number): boolean {
  return models.length > 0 && models.every((one) => one.secondsInAll !== null && one.secondsInAll <= objectiveSeconds && one.unanswered === 0);
}

const units: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3600 };

/** '5 minutes' -> 300. @throws PlumbError USAGE */
export function parseObjective(text: string): number {
  const [, count = '', unit = ''] = /^([1-9][0-9]{0,5}) (second|minute|hour)s?$/.exec(text.trim()) ?? [];
  const objective = Number(count) * (units[unit] ?? 0);
  if (objective > 0) return objective;
  throw new PlumbError('USAGE', { what: `"${text.slice(0, 60)}" is no time`, mend: 'write --objective "5 minutes", or "90 seconds"' });
}

const words: Readonly<Record<DrillStep['step'], string>> = {
  rollback: '`plumb rollback`: the commit that reverts',
  merge: 'merge and push to the main branch',
  reconcile: '`plumb reconcile`: judged and recorded',
  answering: 'the old model answers',
};

export function stepText(step: DrillStep['step']): string {
  return words[step].replaceAll('`', '');
}

function seconds(value: number | null): string {
  return value === null ? 'not in time' : formatSeconds(value);
}

function name(digest: Digest | null): string {
  return digest === null ? 'nothing' : shortDigest(digest);
}

export function drillMarkdown(drill: Drill): string {
  const parts = drill.models.flatMap((one) => [
    `## ${code(one.model)} in ${one.stage}`,
    '',
    `${code(name(one.from))} → ${code(name(one.to))}${one.with.length === 0 ? '' : `, with ${one.with.map((other) => code(other)).join(', ')}`}`,
    '',
    '| step | time |',
    '| --- | ---: |',
    ...one.steps.map(({ step, seconds: took }) => `| ${words[step]} | ${formatSeconds(took)} |`),
    `| **from the merge** | **${seconds(one.secondsFromMerge)}** |`,
    `| **in all** | **${seconds(one.secondsInAll)}** |`,
    '',
    `${one.asked} predictions were asked for meanwhile, ${one.unanswered} without an answer.`,
    ...one.notes.flatMap((note) => ['', prose(note)]),
    '',
  ]);
  const skipped = drill.skipped.map(({ model, why }) => `- ${code(model)}: ${prose(why)}`);
  return [
    `# Drill: ${drill.holds ? 'the way back holds' : 'THE WAY BACK DOES NOT HOLD'}`,
    '',
    `${drill.at}; objective ${formatSeconds(drill.objectiveSeconds)}; ${decided(drill)}.`,
    '',
    ...parts,
    ...(skipped.length === 0 ? [] : ['## Not rehearsed', '', ...skipped, '']),
  ].join('\n');
}

function decided({ log }: Drill): string {
  return log ? 'decided by a log of decisions' : 'pointers are believed, there is no log of decisions';
}

export function drillHtml(drill: Drill): string {
  const models = drill.models.map(
    (one) => markup`<h2>${one.model} in ${one.stage}</h2>
<p><code>${name(one.from)}</code> → <code>${name(one.to)}</code>${one.with.length === 0 ? '' : `, with ${one.with.join(', ')}`}</p>
<table><thead><tr><th>step</th><th>time</th></tr></thead><tbody>
${one.steps.map(({ step, seconds: took }) => markup`<tr><td>${stepText(step)}</td><td>${formatSeconds(took)}</td></tr>\n`)}<tr><th>from the merge</th><th>${seconds(one.secondsFromMerge)}</th></tr>
<tr><th>in all</th><th>${seconds(one.secondsInAll)}</th></tr></tbody></table>
<p>${one.asked} predictions were asked for meanwhile, ${one.unanswered} without an answer.</p>
${one.notes.map((note) => markup`<p>${note}</p>\n`)}`,
  );
  const skipped = drill.skipped.map(({ model, why }) => markup`<li><code>${model}</code>: ${why}</li>\n`);
  const body = markup`<header><h1>${drill.holds ? 'Drill: the way back holds' : 'Drill: the way back does not hold'}</h1>
<p>${drill.at}; objective ${formatSeconds(drill.objectiveSeconds)}; ${decided(drill)}.</p></header>
<main>${models}${skipped.length === 0 ? null : markup`<h2>Not rehearsed</h2><ul>${skipped}</ul>`}</main>`;
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`;
  return `<!doctype html>\n<html lang="en">\n${head}\n<title>Drill</title>\n<style>${style}</style>\n${body.html}\n</html>\n`;
}
