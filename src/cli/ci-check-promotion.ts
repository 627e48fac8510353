import { InvalidArgumentError } from 'commander';
import type { CheckedPull, CheckWorld } from '../ci/check-promotion.ts';
import { isPlumbError } from '../base/errors.ts';
import { openProject } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { Cli, Define } from './command.ts';
import { authorOption, forgeOption, openForgeOf, type ForgeOptions, type OpenForge } from './open-forge.ts';

export interface CheckOptions extends ForgeOptions {
  readonly pull: number;
  readonly status?: true;
}

export const define: Define = (command, cli) => {
  command
    .requiredOption('--pull <number>', 'number of a pull request', numberOf)
    .option('--status', 'say it on the forge: a commit status (`check.context` of policy.yaml), a check run where there are such, and one comment')
    .addOption(forgeOption())
    .addOption(authorOption())
    .addHelpText(
      'after',
      "\nMay this pull request move the pointers that it moves? Judged by what origin's main branch has: policy, CODEOWNERS, data, suites. Nothing of the pull\n" +
        'request is checked out or run. One that moves no pointer passes, so that the check can be required of all.\n\n' +
        'Example:\n  $ plumb ci check-promotion --pull 7',
    )
    .action(async (options: CheckOptions) => {
      const { checked } = await checkPull(options, cli);
      if (checked.judgement?.holds === false) cli.exitCode = 1;
    });
};

function numberOf(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number from 1.');
}

export interface ToldCheck {
  readonly checked: CheckedPull;
  /** to the forge, those to say it too */
  readonly requests: number;
}

/** What the action `check-promotion` does, too. */
export async function checkPull(options: CheckOptions, cli: Cli): Promise<ToldCheck> {
  const project = await openProject(cli);
  const open = await openForgeOf(project, { ...options, writes: options.status === true }, cli);
  const [{ checkPromotion }, { openMoveTrust }, { openMoveStore }] = await Promise.all([
    import('../ci/check-promotion.ts'),
    import('../ci/move-trust.ts'),
    import('../registry/move-store.ts'),
  ]);
  const { git, prefix, config, store } = project;
  const { forge, gitToken } = open;
  const remote = { remote: 'origin', token: gitToken };
  const trust = openMoveTrust({ git, forge, silence: 'unknown', main: config.main, remote });
  const pin = cli.env['PLUMB_AUDIT_KEY'] || undefined;
  const world = { git, prefix, main: config.main, forge, remote, pin, store: openMoveStore(store), trust, now: cli.now() };
  const checked = await checkPromotion(world, options.pull).catch(async (error: unknown) => {
    // an answer of before must not stand where there is none now
    if (options.status === true) await postTrouble(error, { world, number: options.pull, link: open.place.runUrl });
    throw error;
  });
  tell(checked, cli);
  const told = options.status === true ? await post(checked, open, cli) : null;
  const { pull, base, context, judgement } = checked;
  cli.emit({
    pull: pull.number,
    head: pull.head,
    base,
    context,
    ...(judgement ?? { holds: true, points: [], moves: [] }),
    requests: forge.requests,
    told,
  });
  cli.note(`${forge.requests} requests to ${open.place.kind}`);
  return { checked, requests: forge.requests };
}

function tell({ pull, context, judgement }: CheckedPull, cli: Cli): void {
  const { paint } = cli;
  if (context === null) return cli.print(`pull request ${pull.number} is ${pull.state}, into ${visible(pull.baseRef)}: nothing is said of it`);
  if (judgement === null) return cli.print(`${paint.green('yes')}  pull request ${pull.number} moves no pointer`);
  for (const { point, holds, why } of judgement.points) {
    const mark = holds === true ? paint.green('yes    ') : holds === false ? paint.red('NO     ') : paint.yellow('unknown');
    cli.print(`${mark}  ${paint.bold(point.padEnd(10))}  ${visible(why)}`);
  }
  for (const { login, why } of judgement.refused) cli.print(`         ${paint.dim(`approval of ${visible(login)} does not count: ${visible(why)}`)}`);
  const lane = judgement.fast ? ', by the fast lane' : '';
  cli.print(
    judgement.holds ? paint.green(`it may be merged (${judgement.kind}${lane})`) : paint.red(`it may not be merged (${judgement.kind}${lane})`),
  );
}

interface Told {
  readonly status: string;
  readonly comment: string | null;
  readonly check: string | null;
}

/** The status first: it is what a rule asks for, and comes whatever becomes of the rest. */
async function post(checked: CheckedPull, { forge, place, author }: OpenForge, cli: Cli): Promise<Told | null> {
  const { statusOf, commentOf, checkRunOf } = await import('../ci/check-promotion-text.ts');
  const [status, comment, check] = [statusOf(checked, place.runUrl), commentOf(checked), checkRunOf(checked, place.runUrl)];
  if (status === null) return null;
  await forge.setStatus(checked.pull.head, status);
  const { checks } = forge;
  const made =
    check === null || checks === null ? null : await checks.upsert(checked.pull.head, check).catch((error: unknown) => noteIfDenied(error, cli));
  // who moves no pointer hears nothing, unless he did before
  const isWanted = comment !== null && (checked.judgement !== null || (await forge.findComment(checked.pull.number, comment.marker)) !== null);
  const posted = isWanted ? await forge.upsertComment(checked.pull.number, comment) : null;
  if (posted !== null && posted.author !== author)
    cli.note(
      cli.paint.yellow(`! the comment is by ${visible(posted.author)}: say --author "${visible(posted.author)}", so that the next run finds it`),
    );
  return { status: status.state, comment: posted?.url ?? null, check: made?.url ?? null };
}

/** Check runs are for Apps: whoever is none has the status. */
function noteIfDenied(error: unknown, cli: Cli): null {
  if (!isPlumbError(error, 'FORGE_DENIED')) throw error;
  cli.note(`no check run: ${error.message}`);
  return null;
}

/** Best effort: what keeps us from an answer may keep us from saying so. */
async function postTrouble(
  error: unknown,
  { world, number, link }: { readonly world: CheckWorld & Pick<OpenForge, 'forge'>; readonly number: number; readonly link: string | null },
): Promise<void> {
  const { forge, main } = world;
  try {
    const pull = await forge.findPullRequest({ number });
    if (pull === null || pull.state !== 'open' || pull.baseRef !== main) return;
    const { contextHere } = await import('../ci/base-policy.ts');
    const description = `no answer: ${isPlumbError(error) ? error.message : 'a mistake of ours, see the log'}`;
    await forge.setStatus(pull.head, { context: await contextHere(world), state: 'error', description, link });
  } catch (trouble) {
    if (!isPlumbError(trouble)) throw trouble;
  }
}
