import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';
import { shortDigest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { checkName } from '../base/names.ts';
import { openProject, type Project } from '../project/open.ts';
import type { RevocationPlan } from '../registry/revocation-plan.ts';
import type { Cli, Define } from './command.ts';
import { forgeOption, type ForgeOptions } from './open-forge.ts';

export interface RevokeOptions extends ForgeOptions {
  readonly reason: string;
  readonly force?: true;
  readonly commit: boolean;
  readonly pr?: true;
}

export const define: Define = (command, cli) => {
  command
    .argument('<model>', 'name of a model')
    .argument('<digest>', 'digest of the model, or of a part of it: the first seven or more hex digits')
    .requiredOption('--reason <text>', 'why: kept in the revocation for ever')
    .option('--pr', "open a pull request on top of origin's main branch; nothing here changes")
    .option('--no-commit', 'change the files and leave the commit to you')
    .option('--force', 'also what no pointer ever named; write all of its digest')
    .addOption(forgeOption())
    .addHelpText(
      'after',
      '\nTakes a model out for good: it is never served and never promoted again. Where a stage has it, the pointer goes back in the same commit to the last\n' +
        'earlier model that is not revoked, or away where there is none. Servers that follow the branch let go of it when the commit arrives there.\n\n' +
        'Example:\n  $ plumb revoke intents 9f3c12ab34cd --reason "trained on rows that had to be deleted"',
    )
    .action(async (model: string, digest: string, options: RevokeOptions) =>
      revokeCommand({ model: checkName('model', model), digest }, options, cli),
    );
};

async function revokeCommand(what: { readonly model: string; readonly digest: string }, options: RevokeOptions, cli: Cli): Promise<void> {
  if (options.pr === true && !options.commit) throw new PlumbError('USAGE', { what: '--pr always commits', mend: 'leave --no-commit out' });
  const project = await openProject(cli);
  if (options.pr === true) return (await import('./revoke-pull.ts')).revokeByPull(project, what, options, cli);
  const { plan, commit } = await project.mutex(() => revokeHere(project, what, options, cli));
  tellRevocation(what.model, plan, { commit }, cli);
  if (commit !== null) cli.print(`commit ${commit.slice(0, 12)}. git push it: whoever serves follows the branch.`);
  else if (plan.files.length > 0) cli.print('not committed: look at it with `git diff`, then commit models');
}

async function revokeHere(
  project: Project,
  what: { readonly model: string; readonly digest: string },
  options: RevokeOptions,
  cli: Cli,
): Promise<{ plan: RevocationPlan; commit: string | null }> {
  const [{ planRevocation }, { undoable, undoUnfinished }] = await Promise.all([
    import('../registry/revocation-plan.ts'),
    import('../project/together.ts'),
  ]);
  await undoUnfinished(project);
  const { git, prefix, root } = project;
  const [tip, identity] = [await git.resolve('HEAD'), await git.identity()];
  if (tip === null) throw new PlumbError('GIT_REVISION_UNKNOWN', { what: 'there is no commit yet', mend: 'there is nothing to revoke' });
  if (identity === null)
    throw new PlumbError('GIT_FAILED', {
      what: 'git does not know who you are',
      mend: 'git config user.name "Your Name" && git config user.email you@example.org',
    });
  const wish = { ...what, reason: options.reason, by: `${identity.name} <${identity.email}>`, at: cli.now(), force: options.force === true };
  const plan = await planRevocation(project, wish, tip);
  const paths = plan.files.map(({ path }) => prefix + path);
  if (paths.length === 0) return { plan, commit: null };
  const dirty = await git.dirtyPaths(paths);
  if (dirty.length > 0)
    throw new PlumbError('GIT_DIRTY', {
      what: `${dirty.slice(0, 5).join(', ')} ${dirty.length === 1 ? 'has' : 'have'} uncommitted changes`,
      where: { file: dirty[0] ?? '' },
      mend: 'commit them, or take them back with `git checkout -- <file>`, then revoke',
    });
  const commit = await undoable(project, plan.files, async () => {
    for (const { path, bytes } of plan.files)
      await (bytes === null ? rm(join(root, path), { force: true }) : writeFileAtomic(join(root, path), bytes));
    return options.commit ? git.commit(plan.message, paths) : null;
  });
  return { plan, commit };
}

export function tellRevocation(model: string, { digest, steps, files }: RevocationPlan, more: Readonly<Record<string, unknown>>, cli: Cli): void {
  const moves = steps.map(({ place, from, to }) => ({ model: place.model, stage: place.stage, from, to }));
  cli.emit({ model, digest, moves, files: files.map(({ path }) => path), ...more });
  if (files.length === 0) return cli.print(`${model} ${shortDigest(digest)} is revoked already, and no pointer names it`);
  cli.print(`${cli.paint.red('revoked')} ${model} ${cli.paint.bold(shortDigest(digest))}: never served, never promoted again`);
  for (const { model: moved, stage, to } of moves) cli.print(`${moved} in ${stage}: back to ${to === null ? 'nothing' : shortDigest(to)}`);
  if (moves.length === 0) cli.print('no pointer names it now');
}
