import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ModelRows } from '../audit/rows.ts';
import { shortDigest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { formatBytes } from '../base/progress.ts';
import type { Stage } from '../registry/schema.ts';
import type { Cli, Define } from './command.ts';
import { logOptions, openAudit, type AuditOptions } from './open-audit.ts';
import { stageOption } from './stage-option.ts';
import { renderTable } from './table.ts';
import { writeLines } from './write-lines.ts';

interface Options extends AuditOptions {
  readonly stage: Stage;
  readonly at?: string;
  readonly list?: string;
  readonly out?: string;
}

export const define: Define = (command, cli) => {
  logOptions(command)
    .argument('<model>', 'name of a model')
    .option('--at <when>', 'the model that was there then: a day (its end, UTC), an instant, or a commit (default: now)')
    .addOption(stageOption('the stage to look at').default('production'))
    .option('--list <data>', 'the rows themselves, of a data set or of an output that the training read (split.train)')
    .option('--out <file>', 'where they go (default: stdout)')
    .addHelpText(
      'after',
      '\nExamples:\n  $ plumb audit rows intents\n  $ plumb audit rows intents --at 2026-09-01 --list split.train --out trained.jsonl',
    )
    .action((model: string, options: Options) => auditRows(model, options, cli));
};

async function auditRows(model: string, { stage, at, list, out, ...options }: Options, cli: Cli): Promise<void> {
  const [{ servedThen }, { listRows, rowsOf }] = await Promise.all([import('./audit-then.ts'), import('../audit/rows.ts')]);
  if (list !== undefined && out === undefined && cli.json)
    throw new PlumbError('USAGE', { what: 'with --json rows need a file to go to', mend: 'name it: --out rows.jsonl' });
  const place = await openAudit(cli, options);
  const [dossier] = (await servedThen(place, at, { model, stage })).dossiers;
  if (dossier === undefined) {
    throw new PlumbError('POINTER_MISSING', {
      what: `nothing of ${model.slice(0, 100)} was in ${stage}${at === undefined ? '' : ' then'}`,
      mend: '`plumb audit log` lists what was decided',
    });
  }
  const rows = await rowsOf(dossier, place);
  cli.emit({ model, stage, artifact: dossier.served.artifact, ...rows, ...(list === undefined ? {} : { list, out }) });
  if (list === undefined) cli.print(describe(rows, `${model} ${stage}  ${shortDigest(dossier.served.artifact)}`, cli));
  else await writeRows(listRows(rows, list, place.store, cli.signal), out, cli);
  if (dossier.findings.length > 0) {
    for (const { what } of dossier.findings) cli.note(cli.paint.red(`! ${what}`));
    cli.exitCode = 1;
  }
}

function describe({ data, inputs }: ModelRows, title: string, { paint }: Cli): string {
  const place = (here: boolean): string => (here ? 'here' : paint.yellow('not here: `plumb fetch`, or a clone with the store'));
  const rows = [
    ...data.map(({ name, use, kind, count, bytes, manifest, here }) => [
      paint.bold(name),
      use,
      count === null ? '?' : `${count} ${kind}`,
      bytes === null ? '?' : formatBytes(bytes),
      manifest,
      place(here),
    ]),
    ...inputs.map(({ name, digest, bytes, here }) => [
      paint.bold(name),
      'read by the training',
      '',
      bytes === null ? '?' : formatBytes(bytes),
      digest,
      place(here),
    ]),
  ];
  const titles = [
    { title: 'data' },
    { title: 'use' },
    { title: 'size', align: 'right' as const },
    { title: 'bytes', align: 'right' as const },
    { title: 'manifest, or SHA-256 of the file' },
    { title: 'rows' },
  ];
  return rows.length === 0 ? `${title}: its evidence names no data` : `${title}\n\n${renderTable(titles, rows)}`;
}

/** Into a file byte by byte. On a terminal, or in the log of a job, rows must do no harm. */
async function writeRows(lines: AsyncIterable<string | Buffer>, out: string | undefined, cli: Cli): Promise<void> {
  if (out === undefined) {
    for await (const line of createInterface({ input: Readable.from(lines), crlfDelay: Number.POSITIVE_INFINITY })) cli.print(line);
    return;
  }
  const path = resolve(cli.cwd, out);
  await writeLines(path, lines);
  cli.print(`wrote ${path}`);
}
