// What a pull request costs on GitHub, as docs/benchmarks.md shows it: from the event to the comment, what our actions add to a job, requests to the
// interface, bytes to and from the store. The workflows are those of the template, run by act on this machine; the store is S3 (versitygw) behind a wire
// that counts; GitHub is the stand-in of the tests. Seconds of a runner's own start and of git's transport are not in it. Prints Markdown.
// Usage: node bench/github.ts [--rows 100000] [--changed 1000]
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { GithubStory } from '../tests/real/github-story.ts';
import type { Job, WorkflowRun } from '../tests/real/servers/act/act.ts';
import { startVersitygw } from '../tests/real/servers/servers.ts';
import type { Team } from '../tests/real/team.ts';

const { values: options } = parseArgs({ options: { rows: { type: 'string', default: '100000' }, changed: { type: 'string', default: '1000' } } });

interface Wire {
  readonly port: number;
  readonly moved: { up: number; down: number };
  stop(): void;
}

/** A wire to a server, which counts what goes through. */
async function openWire(target: number): Promise<Wire> {
  const moved = { up: 0, down: 0 };
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => open.delete(socket));
    }
    near.on('data', (piece: Buffer) => (moved.up += piece.length));
    far.on('data', (piece: Buffer) => (moved.down += piece.length));
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = (): void => {
    for (const socket of open) socket.destroy();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, moved, stop };
}

interface Place {
  readonly story: GithubStory;
  readonly wire: Wire;
}

interface Measured {
  readonly what: string;
  /** from the event to the comment, or to the status where there is no comment */
  readonly seconds: number;
  /** of that, the stages themselves */
  readonly work: number;
  readonly jobs: number;
  readonly requests: number;
  readonly up: number;
  readonly down: number;
  /** what a person's push of the data sent before */
  readonly pushed: number;
}

async function measure(
  what: string,
  { story, wire }: Place,
  branch: string,
  change: () => void | Promise<void>,
): Promise<Measured & { number: number }> {
  Object.assign(wire.moved, { up: 0, down: 0 });
  const number = await story.openPull(branch, change);
  const pushed = wire.moved.up;
  Object.assign(wire.moved, { up: 0, down: 0 });
  story.github.requests.splice(0);
  let said = 0;
  const began = performance.now();
  const look = setInterval(() => {
    if (said === 0 && story.github.requests.some((one) => /^(POST|PATCH) .*(comments|statuses)/.test(one))) said = performance.now();
  }, 5);
  const run = await story.runPull(number, 'opened');
  clearInterval(look);
  if (!run.ok) throw new Error(run.log);
  const work = run.jobs.reduce((sum, job) => sum + stageSeconds(job), 0);
  return { what, seconds: (said - began) / 1000, work, jobs: run.jobs.length, requests: story.github.requests.length, ...wire.moved, pushed, number };
}

/** What the summary of a job says that its stages took. */
function stageSeconds({ log }: Job): number {
  const times = [...log.matchAll(/\| ✅ ran \| (?:(\d+) min )?([\d.]+) (m?s)/g)];
  return times.reduce((sum, [, minutes = '0', value = '0', unit]) => sum + Number(minutes) * 60 + Number(value) / (unit === 'ms' ? 1000 : 1), 0);
}

/** Steps of a job by what act says of each: the time of our own ones, without that of copying the action, which a runner does as it starts. */
function overheadOf(run: WorkflowRun, id: string): number {
  const job = run.jobs.find((one) => one.id === id);
  const steps = [
    ...(job?.log ?? '').matchAll(
      /(?:install\.sh"|index\.js" ?(?:run|sweep|publish)?|actions\/(?:plan|validate|report)@\w+) \[(?:(\d+)m)?([\d.]+)(ms|s)\]/g,
    ),
  ];
  return steps.reduce((sum, [, minutes = '0', value = '0', unit]) => sum + Number(minutes) * 60 + Number(value) / (unit === 'ms' ? 1000 : 1), 0);
}

function prepareTemplate(team: Team): void {
  team.edit('params.yaml', (text) => text.replace('epochs: 15', 'epochs: 3'));
}

/** Rows of the template over and over, each with a number of its own. */
function prepareMany(team: Team): void {
  const lines = team.read('data/intents.jsonl').trimEnd().split('\n');
  const rows = Array.from({ length: Number(options.rows) }, (_, at) => {
    const row = JSON.parse(lines[at % lines.length] ?? '') as { text: string; label: string };
    return JSON.stringify({ id: `row-${String(at).padStart(7, '0')}`, text: `${row.text} (${at})`, label: row.label });
  });
  team.write('data/intents.jsonl', `${rows.join('\n')}\n`);
  team.edit('params.yaml', (text) => text.replace('epochs: 15', 'epochs: 1').replace('char_ngrams: [3, 5]', 'char_ngrams: null'));
}

async function withStory<T>(prepare: (team: Team) => void, work: (place: Place) => Promise<T>, { keepCache = false } = {}): Promise<T> {
  await using store = await startVersitygw({ buckets: ['plumb'] });
  const wire = await openWire(store.port);
  const env = { AWS_ACCESS_KEY_ID: store.accessKeyId, AWS_SECRET_ACCESS_KEY: store.secretAccessKey, AWS_REGION: store.region };
  try {
    await using story = await GithubStory.create({ prepare, remote: `s3://plumb/bench?endpoint=http://127.0.0.1:${wire.port}`, env });
    if (keepCache) story.jobEnv['PLUMB_CACHE'] = join(story.top, 'kept-cache');
    const first = await story.runMain('0'.repeat(40));
    if (!first.ok) throw new Error(first.log);
    await story.team.plumb('run');
    await story.team.plumb('promote', 'intents', '--to', 'production', '--force', '--reason', 'the first one');
    await story.push('main');
    return await work({ story, wire });
  } finally {
    wire.stop();
  }
}

const rows: Measured[] = [];
let changedBytes = 0;
const overheads = await withStory(prepareTemplate, async (place) => {
  const { story } = place;
  rows.push(await measure('a line of documentation', place, 'docs', () => story.team.edit('README.md', (text) => `${text}\nMore words.\n`)));
  const step = (): void => story.team.edit('params.yaml', (text) => text.replace('learning_rate: 1.5', 'learning_rate: 1.2'));
  const params = await measure('`learning_rate`', place, 'params', step);
  rows.push(params);
  // main finds all of it: what is left in the one job is ours alone
  const settled = await story.runMain(await story.merge(params.number));
  if (!settled.ok) throw new Error(settled.log);
  return { settle: overheadOf(settled, 'settle'), plan: overheadOf(settled, 'plan') };
});
await withStory(
  prepareMany,
  async (place) => {
    const { jobEnv } = place.story;
    const what = `${options.changed} of ${options.rows} rows`;
    rows.push(await measure(`${what}, on runners that keep the cache`, place, 'kept', () => changeRows(place.story.team, 0.3)));
    delete jobEnv['PLUMB_CACHE'];
    rows.push(await measure(`${what}, on new machines`, place, 'fresh', () => changeRows(place.story.team, 0.6)));
  },
  { keepCache: true },
);

/** @param from where, as a share of the file */
async function changeRows(team: Team, from: number): Promise<void> {
  const count = Number(options.changed);
  team.edit('data/intents.jsonl', (text) => {
    const lines = text.trimEnd().split('\n');
    const first = Math.floor(lines.length * from);
    for (let at = first; at < first + count; at += 1) lines[at] = (lines[at] ?? '').replace('"text":"', '"text":"Please: ');
    changedBytes = lines.slice(first, first + count).join('\n').length;
    return `${lines.join('\n')}\n`;
  });
  await team.plumb('add', 'data/intents.jsonl');
}

const kib = (bytes: number): string => `${Math.round(bytes / 1024)} KiB`;
console.log(
  `${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)} at the end\n`,
);
console.log(
  '| what the pull request changes | event to comment | of that, stages | jobs | requests | a person pushed | jobs sent | jobs fetched |\n| --- | --- | --- | --- | --- | --- | --- | --- |',
);
for (const one of rows)
  console.log(
    `| ${one.what} | ${one.seconds.toFixed(1)} s | ${one.work.toFixed(1)} s | ${one.jobs} | ${one.requests} | ${kib(one.pushed)} | ${kib(one.up)} | ${kib(one.down)} |`,
  );
console.log(
  `\nThe changed rows are ${kib(changedBytes)}. Our actions in a job whose stages are all in the store: run ${overheads.settle.toFixed(1)} s, plan ${overheads.plan.toFixed(1)} s.`,
);
