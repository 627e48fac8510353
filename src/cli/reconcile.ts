// `plumb reconcile`: what the main branch did since the last run is judged, recorded, and from then on served. Where there is nothing new, one request to origin
// says so; only what comes after it loads what judging needs.
import { digestOf } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { checkName } from '../base/names.ts';
import { readStamp, type Stamp } from '../ci/reconcile-stamp.ts';
import { openGit } from '../git/open.ts';
import { addressOfRemote, remoteRefs } from '../git/publish.ts';
import type { Cli, Define } from './command.ts';
import { authorOption, forgeOption } from './open-forge.ts';
import { tokenForGit } from './origin-token.ts';
import { stageOption } from './stage-option.ts';

export interface ReconcileOptions {
  readonly dryRun?: boolean;
  readonly start?: boolean;
  readonly offline?: boolean;
  readonly breakGlass?: string;
  readonly stage?: 'staging' | 'production';
  readonly reason?: string;
  readonly watch?: number;
  readonly auditKey?: string;
  readonly forge?: 'github' | 'gitea';
  readonly author?: string;
}

export const define: Define = (command, cli) => {
  command
    .option('--dry-run', 'decide, say what would be recorded, write nothing')
    .option('--start', 'begin the log of decisions with what the pointers name now, where there is none')
    .option('--watch <seconds>', 'go on looking, so often', parseSeconds)
    .option('--offline', 'ask no forge: what needs an approval is not served; origin is still asked by git')
    .option('--break-glass <model>', 'have served what is refused of this model; by one whom access.break_glass of policy.yaml names')
    .addOption(stageOption('with --break-glass: in which stage (default: production)'))
    .option('--reason <text>', 'why, with --break-glass or --start; kept in the log')
    .option('--audit-key <key>', 'what vouches for the log: a public key, or the digest of its first record (PLUMB_AUDIT_KEY)')
    .addOption(forgeOption())
    .addOption(authorOption())
    .addHelpText(
      'after',
      `
Signs by PLUMB_AUDIT_SIGNING_KEY, else as the job of CI that it is, where audit.workflows of policy.yaml names it. Asks the forge with PLUMB_FORGE_TOKEN,
GITHUB_TOKEN or GITEA_TOKEN. Kill it anywhere, run two at once: the state is the pushed log, and the next run goes on from there. See docs/deploy.md.

Example:
  $ plumb reconcile
  $ plumb reconcile --break-glass intents --stage production --reason "the approvers are asleep, the old model answers wrongly"`,
    )
    .action(async (options: ReconcileOptions) => {
      checkOptions(options);
      if (options.watch === undefined) return runOnce(options, cli);
      const { watchRuns } = await import('./reconcile-watch.ts');
      await watchRuns(options.watch, () => runOnce(options, cli), cli);
    });
};

function checkOptions({ breakGlass, reason, dryRun, start, stage, watch }: ReconcileOptions): void {
  const wrong = (what: string, mend: string): PlumbError => new PlumbError('USAGE', { what, mend });
  if (breakGlass !== undefined) {
    checkName('model', breakGlass);
    if ((reason ?? '').trim() === '') throw wrong('--break-glass needs a reason', 'add --reason "...": it is kept in the log');
    if (dryRun === true || watch !== undefined) throw wrong('--break-glass is one decision of a person', 'leave --dry-run and --watch out');
  } else if (stage !== undefined) throw wrong('--stage is for --break-glass', 'leave it out: all stages are looked at');
  else if (reason !== undefined && start !== true) throw wrong('--reason is for --break-glass and --start', 'leave it out');
}

async function runOnce(options: ReconcileOptions, cli: Cli): Promise<void> {
  const isPlain = options.breakGlass === undefined && options.start !== true && options.dryRun !== true;
  const stamp = isPlain ? await unchanged(options, cli) : null;
  if (stamp !== null) return tellNothingNew(stamp, cli);
  const { reconcileNow } = await import('./reconcile-run.ts');
  await reconcileNow(options, cli);
}

/** The last run's own answer, where both branches are where it left them. */
async function unchanged({ offline, auditKey }: ReconcileOptions, cli: Cli): Promise<Stamp | null> {
  const git = await openGit(cli.cwd, cli.env);
  if (git.program === null) return null;
  const address = await addressOfRemote(git, 'origin');
  if (address === null) return null;
  const stamp = readStamp(git.gitDir, { origin: digestOf(address), now: cli.now() });
  const pin = auditKey ?? (cli.env['PLUMB_AUDIT_KEY'] || null);
  if (stamp === null || stamp.pin !== pin || (!stamp.forge && offline !== true)) return null;
  const names = [`refs/heads/${stamp.branch}`, `refs/heads/${stamp.logBranch}`] as const;
  const there = await remoteRefs(git, { remote: 'origin', token: tokenForGit(cli.env, address), names });
  return there.get(names[0]) === stamp.main && there.get(names[1]) === stamp.log ? stamp : null;
}

function tellNothingNew({ main, log, served }: Stamp, cli: Cli): void {
  cli.emit({ main, log: { tip: log }, written: [], refused: [], served, unchanged: true });
  cli.print(`nothing new since ${main.slice(0, 12)}`);
  for (const { model, stage, artifact } of served)
    cli.print(`${cli.paint.green('serving')} ${cli.paint.bold(model)} in ${stage}: ${artifact.slice(7, 19)}`);
}

function parseSeconds(text: string): number {
  const seconds = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 1 && seconds <= 86_400) return seconds;
  throw new PlumbError('USAGE', { what: `--watch ${JSON.stringify(text.slice(0, 40))}`, mend: 'give it seconds, from 1 to 86400' });
}
