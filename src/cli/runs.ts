import { shortDigest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { formatBytes, formatSeconds } from '../base/progress.ts';
import { distinctRuns, findRun } from '../pipeline/find-run.ts';
import { differingOutputs, readableRecord, RunLog, type KeptRecord } from '../pipeline/records.ts';
import { flatten, paramChanges } from '../pipeline/why.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import { openProject, type Project } from '../project/open.ts';
import type { Cli, Define } from './command.ts';
import { renderTable } from './table.ts';

export const define: Define = (command, cli) => {
  command
    .argument('[what]', 'list (default), show or compare', 'list')
    .argument(
      '[run...]',
      'runs: some digits of a digest, a stage (its last run here), stage~1 (the one before); a whole digest of a run elsewhere, as a pointer has it',
    )
    .option('-n, --limit <n>', 'how many runs to list', '20')
    .addHelpText('after', '\nExamples:\n  $ plumb runs\n  $ plumb runs show train\n  $ plumb runs compare train~1 train')
    .action(async (what: string, words: string[], options: { limit: string }) => {
      const project = await openProject(cli);
      if (what === 'list' && words.length === 0) return listRuns(project, limitOf(options.limit), cli);
      if (what === 'show' && words.length === 1) return showRun(project, words[0] ?? '', cli);
      if (what === 'compare' && words.length === 2) return compareRuns(project, words, cli);
      throw new PlumbError('USAGE', {
        what: `plumb runs ${[what, ...words].join(' ')} is not understood`,
        mend: 'write `plumb runs`, `plumb runs show RUN` or `plumb runs compare RUN RUN`',
      });
    });
};

function limitOf(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw new PlumbError('USAGE', { what: `--limit ${text}: expected a whole number from 1`, mend: 'write -n 20' });
}

async function listRuns(project: Project, limit: number, cli: Cli): Promise<void> {
  const entries = distinctRuns(await new RunLog(project.localDir).read());
  const shown: { entry: (typeof entries)[number]; record: KeptRecord['record'] | null }[] = [];
  for (const entry of entries.slice(0, limit))
    shown.push({ entry, record: (await project.store.has(entry.run)) ? ((await readableRecord(project.store, entry.run))?.record ?? null) : null });
  cli.emit({
    runs: shown.map(({ entry, record }) => ({
      ...entry,
      started: record?.started,
      seconds: record?.measured['seconds'],
      metrics: record?.metrics,
      params: record?.params,
    })),
    more: Math.max(0, entries.length - limit),
  });
  if (shown.length === 0) return cli.print('no runs on this machine yet: plumb run');
  const rows = shown.map(({ entry, record }) => [
    shortDigest(entry.run),
    cli.paint.bold(entry.stage),
    (record?.started ?? entry.at).slice(0, 16).replace('T', ' '),
    record === null ? '?' : formatSeconds(record.measured['seconds'] ?? 0),
    record === null ? 'its record is not in the cache' : metricsText(record.metrics),
    entry.differsFrom === undefined ? '' : cli.paint.yellow(`not reproducible: differs from ${shortDigest(entry.differsFrom)}`),
  ]);
  cli.print(
    renderTable(
      [{ title: 'run' }, { title: 'stage' }, { title: 'started (UTC)' }, { title: 'took', align: 'right' }, { title: 'metrics' }, { title: '' }],
      rows,
    ),
  );
  if (entries.length > limit) cli.print(cli.paint.dim(`${entries.length - limit} more: plumb runs -n ${entries.length}`));
}

function metricsText(metrics: Readonly<Record<string, number>>): string {
  return Object.entries(metrics)
    .slice(0, 4)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(5))}`)
    .join('  ');
}

/** 'laptop', or 'ci: runner@host, pull-7 of acme/intents, run 1234' */
function builderText({ kind, user, host, domain, repository, runId }: RunRecord['builder']): string {
  const who = user === undefined || host === undefined ? [] : [`${user}@${host}`];
  const what = repository === undefined ? [] : [`${domain ?? 'a job'} of ${repository}`, `run ${runId ?? 'unknown'}`];
  return [...who, ...what].length === 0 ? kind : `${kind}: ${[...who, ...what].join(', ')}`;
}

async function showRun(project: Project, word: string, cli: Cli): Promise<void> {
  const { digest, record } = await findRun(word, await new RunLog(project.localDir).read(), project.store);
  cli.emit({ run: digest, record });
  const lines = [
    `${cli.paint.bold(record.stage)}  ${digest}`,
    `fingerprint  ${record.fingerprint}`,
    `command      ${'uses' in record.command ? `${record.command.uses} version ${record.command.version} ${JSON.stringify(record.command.with)}` : JSON.stringify(record.command.cmd)}`,
    `code         ${record.code.commit ?? 'no commit'}${record.code.dirty ? ' with uncommitted changes' : ''}`,
    `time         ${record.started} to ${record.finished}`,
    `machine      ${builderText(record.builder)}, ${[record.environment.cpus, ...(record.environment.gpus ?? [])].join(', ')}, ${record.environment.platform}, Node ${record.environment.node}`,
    `seed         ${record.seed}`,
    'inputs',
    ...Object.entries(record.inputs).map(([name, input]) => `  ${name}  ${input.kind} ${input.ref}  ${shortDigest(input.digest)}`),
    'params',
    ...[...flatten(record.params)].map(([key, value]) => `  ${key}  ${JSON.stringify(value)}`),
    'outputs',
    ...Object.entries(record.outputs).map(
      ([name, output]) => `  ${name}  ${output.path}  ${formatBytes(output.bytes)}  ${shortDigest(output.digest)}`,
    ),
    'metrics',
    ...Object.entries(record.metrics).map(([name, value]) => `  ${name}  ${value}`),
    'measured',
    ...Object.entries(record.measured).map(([name, value]) => `  ${name}  ${Number(value.toPrecision(5))}`),
  ];
  cli.print(lines.join('\n'));
}

async function compareRuns(project: Project, words: readonly string[], cli: Cli): Promise<void> {
  const log = await new RunLog(project.localDir).read();
  const before = await findRun(words[0] ?? '', log, project.store);
  const after = await findRun(words[1] ?? '', log, project.store);
  const params = paramChanges(before.record.params, after.record.params);
  const names = [...new Set([...Object.keys(before.record.metrics), ...Object.keys(after.record.metrics)])].toSorted();
  const metrics = names.map((name) => ({ metric: name, before: before.record.metrics[name], after: after.record.metrics[name] }));
  const inputs = [...new Set([...Object.keys(before.record.inputs), ...Object.keys(after.record.inputs)])]
    .map((name) => ({ input: name, before: before.record.inputs[name]?.digest, after: after.record.inputs[name]?.digest }))
    .filter((input) => input.before !== input.after);
  const differs = before.record.fingerprint === after.record.fingerprint ? differingOutputs(before.record, after.record) : [];
  cli.emit({ before: before.digest, after: after.digest, params, inputs, metrics, notReproducible: differs });
  const text = (value: unknown): string => (value === undefined ? '-' : JSON.stringify(value));
  const short = (digest: KeptRecord['digest'] | undefined): string => (digest === undefined ? '-' : shortDigest(digest));
  const rows = [
    ...params.map((change) => [`param ${change.key}`, text(change.before), text(change.after), '']),
    ...inputs.map((input) => [`input ${input.input}`, short(input.before), short(input.after), '']),
    ...metrics.map((metric) => [metric.metric, text(metric.before), text(metric.after), difference(metric.before, metric.after)]),
  ];
  cli.print(
    renderTable(
      [
        { title: '' },
        { title: `${before.record.stage} ${shortDigest(before.digest)}`, align: 'right' },
        { title: `${after.record.stage} ${shortDigest(after.digest)}`, align: 'right' },
        { title: 'change', align: 'right' },
      ],
      rows,
    ),
  );
  if (differs.length > 0) cli.print(cli.paint.yellow(`not reproducible: same fingerprint, other ${differs.join(', ')}`));
}

function difference(before: number | undefined, after: number | undefined): string {
  if (before === undefined || after === undefined) return '';
  const value = Number((after - before).toPrecision(4));
  return value > 0 ? `+${value}` : String(value);
}
