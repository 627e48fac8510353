// Where rows came from: recording it, looking at it, asking whether it is enough.
import type { Command as Commander } from 'commander';
import { isDigest } from '../base/digest.ts';
import { exitCodes, PlumbError } from '../base/errors.ts';
import { openProject } from '../project/open.ts';
import type { RecordOptions } from './provenance-record.ts';
import type { Cli, Define } from './command.ts';
import { wholeNumber } from './whole-number.ts';

interface ShowOptions {
  readonly key?: string;
  readonly row?: string;
  readonly digest?: string;
}

interface CheckOptions {
  readonly require?: readonly string[];
  readonly licences?: readonly string[];
  readonly limit: string;
  readonly out?: string;
}

export const define: Define = (command, cli) => {
  command.configureOutput({ writeErr: (text) => cli.note(text), outputError: () => undefined });
  defineRecord(command, cli);
  command
    .command('show')
    .description('what is known of a row, or of how many rows by source')
    .argument('<data>', 'data set')
    .option('--key <value>', 'the row with this key')
    .option('--row <n>', 'the row with this number, from 1')
    .option('--digest <digest>', 'the rows that say this')
    .addHelpText('after', '\nExamples:\n  $ plumb provenance show intents\n  $ plumb provenance show intents --key train-00017')
    .action(async (data: string, options: ShowOptions) => show(data, options, cli));
  command
    .command('check')
    .description('how many rows have provenance, what is missing, licences by number of rows')
    .argument('<data>', 'data set')
    .option('--require <name...>', 'what every row must have: source, document, created, annotator, licence, reviewed, pii (default: source)')
    .option('--licences <spdx...>', 'licences that are allowed')
    .option('--limit <n>', 'rows of each kind that are shown', '5')
    .option('--out <file>', 'write all flagged rows there (flagged/1)')
    .addHelpText('after', '\nExample:\n  $ plumb provenance check intents --require source licence reviewed --licences CC-BY-4.0 MIT')
    .action(async (data: string, options: CheckOptions) => check(data, options, cli));
};

function defineRecord(command: Commander, cli: Cli): void {
  command
    .command('record')
    .description('write where rows came from into the sidecar <data>.provenance, for rows that have nothing there')
    .argument('<data>', 'data set')
    .option('--source <name>', 'the system that the rows came from')
    .option('--document <column>', 'the column that names the document')
    .option('--created <column>', 'the column that says when the row was made')
    .option('--annotator <column>', 'the column that says who wrote or labelled it')
    .option('--licence <spdx>', 'SPDX licence expression of all these rows')
    .option('--map <file>', 'rows with key or document, and source, document, created, annotator, licence of it')
    .option('--from <data...>', 'take over what is known of equal rows of these data sets')
    .option('--lineage <file...>', 'lineage.jsonl of the steps that made these rows of others')
    .option('--pii <stage>', 'the verdict of the last run of this stage (plumb/pii), or of a flagged.jsonl')
    .option('--also', 'give the source to rows, too, that have others')
    .option('--prune', 'leave out rows that the data no longer have')
    .addHelpText(
      'after',
      '\nWhat reviews/ decides of rows is taken over each time.\n\nExamples:\n  $ plumb provenance record intents --source helpdesk --document ticket --licence CC-BY-4.0\n  $ plumb provenance record intents --map data/origins.csv --pii pii',
    )
    .action(async (data: string, options: RecordOptions) => (await import('./provenance-record.ts')).recordCommand(data, options, cli));
}

async function show(word: string, options: ShowOptions, cli: Cli): Promise<void> {
  const project = await openProject(cli);
  const { openDataset, requireSidecar } = await import('../quality/provenance/carry-out.ts');
  const { readSidecar } = await import('../quality/provenance/sidecar.ts');
  const { visible } = await import('../report/visible.ts');
  const name = await datasetName(word, project, cli);
  const sidecar = (await requireSidecar(project, name, cli)).rows.source;
  const wish = wishOf(options);
  if (wish === null) {
    const sources = new Map<string, number>();
    for await (const batch of readSidecar(sidecar, cli))
      for (const row of batch) for (const { source } of row.sources) sources.set(source, (sources.get(source) ?? 0) + 1);
    const ordered = [...sources].toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
    cli.emit({ data: name, sources: Object.fromEntries(ordered) });
    for (const [source, count] of ordered.slice(0, 50)) cli.print(`${String(count).padStart(9)}  ${visible(source)}`);
    return;
  }
  const { findRows } = await import('../quality/provenance/find-row.ts');
  const rows = await findRows((await openDataset(project, name, cli)).rows.source, wish, cli);
  const wanted = new Set(rows.map(({ digest }) => digest));
  const known = new Map();
  for await (const batch of readSidecar(sidecar, cli)) for (const row of batch) if (wanted.has(row.row)) known.set(row.row, row);
  cli.emit({ data: name, rows: rows.map(({ row, key, digest }) => ({ row, key, digest, provenance: known.get(digest) ?? null })) });
  if (rows.length === 0) cli.print(`${name} has no such row`);
  const { provenanceText } = await import('./provenance-text.ts');
  for (const { row, key, digest } of rows) cli.print(provenanceText({ row, key, digest }, known.get(digest) ?? null, cli.paint));
  if (rows.length === 0) cli.exitCode = exitCodes.no;
}

function wishOf({ key, row, digest }: ShowOptions): { key: string } | { row: number } | { digest: `sha256:${string}` } | null {
  if ([key, row, digest].filter((one) => one !== undefined).length > 1)
    throw new PlumbError('USAGE', { what: '--key, --row and --digest each name rows', mend: 'write one of them' });
  if (key !== undefined) return { key };
  if (row !== undefined) {
    if (!/^[1-9]\d{0,15}$/.test(row))
      throw new PlumbError('USAGE', { what: `--row ${row.slice(0, 40)}: expected a number from 1`, mend: 'write --row 17' });
    return { row: Number(row) };
  }
  if (digest === undefined) return null;
  if (!isDigest(digest))
    throw new PlumbError('USAGE', { what: '--digest: expected sha256: and 64 hex digits', mend: 'flagged.jsonl and --json have digests of rows' });
  return { digest };
}

async function datasetName(word: string, project: Awaited<ReturnType<typeof openProject>>, cli: Cli): Promise<string> {
  const { openDataset } = await import('../quality/provenance/carry-out.ts');
  return (await openDataset(project, word, cli)).rows.source.name;
}

async function check(word: string, options: CheckOptions, cli: Cli): Promise<void> {
  const project = await openProject(cli);
  const { openDataset, openSidecar } = await import('../quality/provenance/carry-out.ts');
  const { judgeProvenance } = await import('../quality/provenance/judge.ts');
  const { checkText } = await import('./provenance-text.ts');
  const rules = {
    require: requireOf(options.require ?? ['source'], (await import('../quality/provenance/schema.ts')).requirements),
    licences: options.licences ?? null,
  };
  const data = await openDataset(project, word, cli);
  const sidecar = await openSidecar(project, data.rows.source.name, cli);
  const { report, flagged } = await judgeProvenance({ rows: data.rows, sidecar: sidecar?.rows ?? null, rules }, data.world);
  if (options.out !== undefined) {
    const [{ writeFlagged }, { resolve }] = await Promise.all([import('../quality/flagged-file.ts'), import('node:path')]);
    await writeFlagged(resolve(cli.cwd, options.out), flagged);
  }
  cli.emit(report);
  cli.print(checkText(report, { limit: wholeNumber('--limit', options.limit), paint: cli.paint }));
  if (!report.holds) cli.exitCode = exitCodes.no;
}

/** Several words, or one list with commas. */
function requireOf<T extends string>(given: readonly string[], allowed: readonly T[]): T[] {
  const words = given
    .flatMap((text) => text.split(','))
    .map((word) => word.trim())
    .filter((word) => word !== '');
  const wrong = words.find((word) => !allowed.includes(word as T));
  if (wrong !== undefined)
    throw new PlumbError('USAGE', {
      what: `--require ${wrong.slice(0, 40)}: there is no such thing to require`,
      mend: `write some of ${allowed.join(', ')}`,
    });
  return words as T[];
}
