// What a promotion costs from the merge on, on a real Gitea: `plumb serve --webhook --reconcile` judges, records and serves; a second server follows by looking every
// second. Also the check before the merge, a reconcile with nothing to do, and the drill. Prints Markdown tables: wall seconds, and the processor's of processes.
// Usage: node bench/promotion.ts [promotions, 50 unless told]
import { spawnSync } from 'node:child_process';
import { node, plumbFile } from '../tests/project.ts';
import { PromotionStory, type Pull } from '../tests/real/promotion-story.ts';
import type { Follower } from '../tests/real/follower.ts';

const count = Number(process.argv[2] ?? 50);
const secret = 'a secret of thirty-two bytes, hm';

interface Times {
  /** seconds from the request to merge until a server answers with the model */
  readonly webhook: number;
  readonly polling: number;
}

const story = await PromotionStory.start();
try {
  await begin();
  const deployEnv = { PLUMB_FORGE_TOKEN: story.user('plumb').token, PLUMB_AUDIT_SIGNING_KEY: story.auditSigningKey, PLUMB_AUDIT_KEY: story.auditKey };
  await story.pullMain();
  await story.team.plumbAs(deployEnv, 'reconcile', '--start', '--reason', 'measured');
  const servers = {
    webhook: await story.follow('decides', ['--webhook', '--reconcile'], { secret, env: deployEnv }),
    polling: await story.follow('looks', ['--fetch', '1']),
  };
  const { promotions, reverts, checks, drill } = await moves(servers);
  table(
    `From the merge to the model that answers, ${count} promotions and ${count} reverts by pull request`,
    ['', 'p50', 'p99', 'worst'],
    [
      row(
        'promotion, told by webhook (s)',
        promotions.map(({ webhook }) => webhook),
      ),
      row(
        'promotion, looking every second (s)',
        promotions.map(({ polling }) => polling),
      ),
      row(
        'revert, told by webhook (s)',
        reverts.map(({ webhook }) => webhook),
      ),
      row(
        'revert, looking every second (s)',
        reverts.map(({ polling }) => polling),
      ),
    ],
  );
  await story.pullMain();
  const idle = Array.from({ length: 10 }, () => timed(['reconcile', '--json'], deployEnv));
  table(
    'Whole processes',
    ['', 'seconds', 'processor seconds', 'requests to the forge'],
    [
      costs(
        '`plumb ci check-promotion` of a promotion with one approval',
        checks.map((one) => ({ ...one, requests: requestsIn(one) })),
      ),
      costs(
        '`plumb reconcile`, nothing new',
        idle.slice(1).map((one) => ({ ...one, requests: 0 })),
      ),
      costs('`plumb drill`', [{ ...drill, requests: 0 }]),
    ],
  );
  console.log(`The drill's report:\n\n${drill.stdout}`);
} finally {
  await story[Symbol.asyncDispose]();
}

/** The first model in production, a second one trained; jobs do nothing from then on. */
async function begin(): Promise<void> {
  const { team } = story;
  await story.train();
  await team.plumb('run');
  await team.plumb('promote', 'intents', '--to', 'production');
  team.edit('params.yaml', (text) => text.replace('learning_rate: 1.5', 'learning_rate: 1.2'));
  await team.commit('a smaller step');
  await story.train();
  await story.pauseJobs();
}

interface Process {
  readonly seconds: number;
  readonly processor: number;
  readonly stdout: string;
}

async function moves(servers: {
  webhook: Follower;
  polling: Follower;
}): Promise<{ promotions: Times[]; reverts: Times[]; checks: Process[]; drill: Process }> {
  const [promotions, reverts, checks]: [Times[], Times[], Process[]] = [[], [], []];
  let drill: Process = { seconds: NaN, processor: NaN, stdout: '' };
  const good = artifactIn(await story.pointerOnMain());
  for (let at = 0; at < count; at += 1) {
    await story.pullMain();
    const again = at === 0 ? [] : ['--again', '--reason', `round ${at}`];
    const { pull } = await story.plumb<{ pull: { number: number } }>('ann', 'promote', 'intents', '--to', 'production', '--pr', ...again);
    await story.review(pull.number, 'bea', 'APPROVED');
    if (at < 10)
      checks.push(timed(['ci', 'check-promotion', '--pull', String(pull.number), '--json'], { PLUMB_FORGE_TOKEN: story.user('plumb').token }));
    promotions.push(await merged(pull, servers, null));
    const tip = await story.pullMain();
    // there is a way back now, and will be none
    if (at === count - 1) drill = timed(['drill', '--json'], {});
    reverts.push(await merged(await story.offer('carl', `back-${at}`, () => story.team.git('revert', '--no-edit', '-m', '1', tip)), servers, good));
  }
  return { promotions, reverts, checks, drill };
}

/** @param wanted null: what main has then */
async function merged(
  { number }: Pick<Pull, 'number'>,
  { webhook, polling }: { webhook: Follower; polling: Follower },
  wanted: string | null,
): Promise<Times> {
  const begun = performance.now();
  const { status, said } = await story.merge(number, 'bea');
  if (status !== 200) throw new Error(said);
  const artifact = wanted ?? artifactIn(await story.pointerOnMain());
  const [told, looked] = await Promise.all([webhook.answersWith(artifact), polling.answersWith(artifact)]).catch(async (error: unknown) => {
    const { decision } = (await story.log()).records.at(-1) ?? {};
    throw new Error(JSON.stringify(decision?.points.filter(({ holds }) => holds !== true)), { cause: error });
  });
  return { webhook: (told - begun) / 1000, polling: (looked - begun) / 1000 };
}

function artifactIn(text: string): string {
  return (JSON.parse(text) as { artifact: { digest: string } }).artifact.digest;
}

/** In the team's clone. */
function timed(words: readonly string[], env: Readonly<Record<string, string>>): Process {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync('bash', ['-c', 'TIMEFORMAT="%U %S"; time "$@"', 'bash', node, plumbFile, ...words], {
    cwd: story.team.work,
    env: { PATH: process.env['PATH'], HOME: story.top, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', ...env },
    encoding: 'utf8',
  });
  const seconds = (performance.now() - started) / 1000;
  if (status !== 0) throw new Error(`${words.join(' ')}: ${stdout}${stderr}`);
  const [user = 0, system = 0] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  return { seconds, processor: user + system, stdout };
}

function requestsIn({ stdout }: Process): number {
  return (JSON.parse(stdout) as { requests: number }).requests;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

function row(name: string, values: readonly number[]): string[] {
  return [name, ...[0.5, 0.99, 1].map((share) => quantile(values, share).toFixed(2))];
}

function costs(name: string, all: readonly (Process & { requests: number })[]): string[] {
  const middle = (of: (one: Process) => number): string => quantile(all.map(of), 0.5).toFixed(2);
  return [
    `${name} (${all.length === 1 ? 'once' : `the middle of ${all.length}`})`,
    middle((one) => one.seconds),
    middle((one) => one.processor),
    String(all[0]?.requests ?? 0),
  ];
}

function table(title: string, heads: readonly string[], rows: readonly (readonly string[])[]): void {
  const lines = [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  console.log(`## ${title}\n\n${lines.join('\n')}\n`);
}
