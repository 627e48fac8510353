// One run: look, decide, record, then make the forge say the same.
import { isPlumbError } from '../base/errors.ts';
import { deploy, tellRewritten } from '../ci/deploy.ts';
import { reconcile, type Reconciled } from '../ci/reconcile.ts';
import type { Glass } from '../ci/reconcile-glass.ts';
import { policiesOf } from '../ci/reconcile-policy.ts';
import { writeStamp } from '../ci/reconcile-stamp.ts';
import type { Cli } from './command.ts';
import { describeError } from './main.ts';
import type { ReconcileOptions } from './reconcile.ts';
import { tellReconciled } from './reconcile-text.ts';
import { openWorld, type OpenWorld } from './reconcile-world.ts';

export interface Ran {
  readonly done: Reconciled;
  /** why the glass was not broken, and what could not be told the forge; all else is done */
  readonly troubles: readonly unknown[];
}

/** Exit code 1: something of the main branch is refused. */
export async function reconcileNow(options: ReconcileOptions, cli: Cli): Promise<Ran> {
  const open = await openWorld(options, cli);
  const done = await decide(open, options, cli);
  const failed = options.dryRun === true ? [] : await deployAll(open, done, cli);
  const troubles = done.denied === null ? failed : [done.denied, ...failed];
  tellReconciled(done, { troubles, dryRun: options.dryRun === true }, cli);
  if (done.refused.length > 0) cli.exitCode = 1;
  if (options.dryRun !== true) await remember(open, done, { isWhole: failed.length === 0, at: cli.now() });
  const [trouble] = troubles;
  if (trouble !== undefined && !isPlumbError(trouble)) throw trouble;
  // not thrown: the one document of --json is out already
  if (trouble !== undefined) {
    cli.note(describeError(trouble));
    cli.exitCode = trouble.exitCode;
  }
  return { done, troubles };
}

async function decide({ world, forge }: OpenWorld, options: ReconcileOptions, cli: Cli): Promise<Reconciled> {
  const start = options.start === true ? { reason: options.reason?.trim() || null } : null;
  try {
    return await reconcile(world, { start, glass: glassOf(options, forge, cli) });
  } catch (error) {
    const isRewritten = isPlumbError(error, 'AUDIT_REWRITTEN') || isPlumbError(error, 'AUDIT_INVALID');
    if (isRewritten && forge !== null && options.dryRun !== true) {
      // whether people could be told or not, that it does not hold is the news
      await tellRewritten(forge, error).catch((trouble: unknown) =>
        cli.note(`no issue: ${trouble instanceof Error ? trouble.message : String(trouble)}`),
      );
    }
    throw error;
  }
}

function glassOf({ breakGlass, stage = 'production', reason = '' }: ReconcileOptions, forge: OpenWorld['forge'], { env }: Cli): Glass | null {
  if (breakGlass === undefined) return null;
  return { place: { model: breakGlass, stage }, reason: reason.trim(), run: forge === null ? null : { forge, id: env['GITHUB_RUN_ID'] ?? '' } };
}

async function deployAll({ forge, world, runUrl }: OpenWorld, { log, refused }: Reconciled, cli: Cli): Promise<unknown[]> {
  if (forge === null) return [];
  const policies = await policiesOf(world, log.records);
  const found = new Map(refused.flatMap(({ tip, judgement }) => (judgement === null ? [] : [[tip.record.decision.seq, judgement.points] as const])));
  return deploy(forge, { log, policies, found, now: cli.now(), runUrl });
}

/** With something refused, the next run looks again: an approval may have come. */
async function remember(
  { place, origin, forge }: OpenWorld,
  { tip, log, refused }: Reconciled,
  { isWhole, at }: { isWhole: boolean; at: Date },
): Promise<void> {
  const isDone = isWhole && refused.length === 0 && origin !== null;
  const served = log.allServed().map(({ model, stage, artifact, commit }) => ({ model, stage, artifact, commit }));
  const { branch, logBranch, git } = place;
  await writeStamp(
    git.gitDir,
    isDone
      ? { origin, branch, logBranch, forge: forge !== null, pin: place.pin ?? null, main: tip, log: log.tip, at: at.toISOString(), served }
      : null,
  );
}
