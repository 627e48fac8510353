import { resolve } from 'node:path';
import { shortDigest } from '../base/digest.ts';
import type { Trace } from '../lineage/trace.ts';
import { openProject } from '../project/open.ts';
import { cut, visible } from '../report/visible.ts';
import type { Cli, Define } from './command.ts';

export const define: Define = (command, cli) => {
  command
    .argument('<row>', 'data:key (data:number, where rows have no key), data:#number, or the digest of a row')
    .option('--html <file>', 'write a page with a picture there')
    .addHelpText('after', '\nExamples:\n  $ plumb trace intents:train-00017\n  $ plumb trace intents:#3 --html trace.html')
    .action(async (word: string, { html }: { html?: string }) => {
      const project = await openProject(cli);
      const { traceRow } = await import('../lineage/trace.ts');
      const trace = await traceRow(project, word, cli);
      if (html !== undefined) {
        const [{ traceHtml }, { writeFileAtomic }] = await Promise.all([import('./trace-page.ts'), import('../base/atomic.ts')]);
        await writeFileAtomic(resolve(cli.cwd, html), traceHtml(trace));
      }
      cli.emit({
        ...trace,
        runs: trace.runs.map(({ run, record, inputs, certainty }) => ({ run, stage: record.stage, started: record.started, inputs, certainty })),
      });
      for (const line of traceLines(trace, cli)) cli.print(line);
    });
};

function traceLines(trace: Trace, { paint }: Cli): string[] {
  const { row, found, steps, provenance, versions, runs, models, unknown } = trace;
  const title = (text: string): string => `\n${paint.bold(text)}`;
  const none = (text: string): string => `  ${paint.dim(text)}`;
  return [
    found === null ? row : `${paint.bold(`${visible(found.data)}: ${shown(found.key)}`)}  row ${found.row}  ${row}`,
    title('from'),
    ...(provenance.length === 0 ? [none('no sidecar says where it came from')] : []),
    ...provenance.flatMap(({ sources, row: of, reviewed, data }) =>
      sources.map(
        ({ source, document, created, annotator, licence }) =>
          `  ${shown(source)}${document === undefined ? '' : `, document ${shown(document)}`}${created === undefined ? '' : `, created ${shown(created)}`}${annotator === undefined ? '' : `, by ${shown(annotator)}`}; licence ${shown(licence ?? 'none')}; reviewed: ${reviewed ?? 'no'} (${visible(data)}${of === row ? '' : `, row ${shortDigest(of)}`})`,
      ),
    ),
    ...steps.map(({ row: of, from, by }) => `  ${shortDigest(of)} was made by ${shown(by)} of ${from.map(shortDigest).join(', ')}`),
    title('in'),
    ...(versions.length === 0 ? [none('no version that git names')] : []),
    ...versions.map(
      ({ data, digest, commit, current, tips }) =>
        `  ${visible(data)} ${shortDigest(digest)}  ${commit === null ? 'not committed' : `since ${commit.oid.slice(0, 10)}, ${commit.date.toISOString().slice(0, 10)}`}${current ? '  in the work tree' : ''}${tips.length > 0 ? `  ${tips.slice(0, 3).map(shown).join(', ')}` : ''}`,
    ),
    title('read by'),
    ...(runs.length === 0 ? [none('no run that is known')] : []),
    ...runs.map(
      ({ run, record, certainty }) =>
        `  ${record.started.slice(0, 16).replace('T', ' ')}  ${shown(record.stage)} ${shortDigest(run)}${certainty === 'perhaps' ? paint.yellow('  perhaps') : ''}`,
    ),
    title('models'),
    ...(models.length === 0 ? [none('none that was ever promoted')] : []),
    ...models.flatMap(({ model, artifact, use, certainty, promotions, served }) => [
      `  ${shown(model)} ${shortDigest(artifact)}: ${use}${certainty === 'perhaps' ? paint.yellow(', perhaps') : ''}`,
      ...promotions.map(({ stage, commit, date }) => `    to ${stage} on ${date.toISOString().slice(0, 10)} (${commit.slice(0, 10)})`),
      ...served.map(({ stage, since }) => `    served in ${stage} since ${since.slice(0, 10)}`),
    ]),
    ...unknown.map((note) => paint.yellow(`\nnot known: ${visible(note)}`)),
  ];
}

function shown(text: string): string {
  return cut(visible(text), 120);
}
