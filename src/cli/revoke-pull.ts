// `plumb revoke --pr`: the revocation as a pull request on top of origin's main branch, without touching what is here.
import { shortDigest } from '../base/digest.ts';
import { refuseTokenOfJob } from '../ci/forge-place.ts';
import type { Git } from '../git/git.ts';
import type { Project } from '../project/open.ts';
import { parseRevocation, revocationPath } from '../registry/revocation.ts';
import { planRevocation, type RevocationPlan, type RevocationWish } from '../registry/revocation-plan.ts';
import type { Cli } from './command.ts';
import { openForgeOf } from './open-forge.ts';
import { committer, fetchBranch, fetchMain, openPull } from './promotion-pull.ts';
import { pullText } from './promotion-text.ts';
import { tellRevocation, type RevokeOptions } from './revoke.ts';

export async function revokeByPull(
  project: Project,
  what: { readonly model: string; readonly digest: string },
  options: RevokeOptions,
  cli: Cli,
): Promise<void> {
  // what this token cannot do is said before anything is sent
  const open = await openForgeOf(project, options, cli, refuseTokenOfJob);
  const author = await committer(project, cli);
  const main = await fetchMain(project, open);
  const wish = { ...what, reason: options.reason, by: `${author.name} <${author.email}>`, at: cli.now(), force: options.force === true };
  const first = await planRevocation(project, wish, main.commit);
  if (first.files.length === 0) return tellRevocation(what.model, first, { commit: null, pull: null }, cli);
  const branch = `plumb/revoke/${what.model}-${shortDigest(first.digest)}`;
  const before = await fetchBranch(project.git, branch, open.gitToken);
  const plan = before === null ? first : await planAsBefore(project, { wish, first, tip: main.commit, before });
  const { number, url, commit, state, warning } = await openPull(project.git, open, {
    branch,
    main,
    author,
    files: new Map(plan.files.map(({ path, bytes }) => [project.prefix + path, bytes])),
    message: plan.message,
    body: pullText({
      kind: 'revocation',
      moves: plan.steps.map(({ place, from, to }) => ({ ...place, from, to })),
      reason: options.reason,
      notes: [`${what.model} ${shortDigest(plan.digest)} is never served and never promoted again.`],
      reports: [],
    }),
  });
  if (warning !== null) cli.note(cli.paint.yellow(`! ${warning}`));
  tellRevocation(what.model, plan, { commit, branch, base: main.commit, pull: { number, url, state } }, cli);
  cli.print(`pull request ${number} ${state === 'unchanged' ? 'says so already' : state}: ${url}\nIts merge takes the model out.`);
}

/** Wished again for the same reason, the file is the one that stands on the branch: another time in it would void what people approved. */
async function planAsBefore(
  { git, prefix }: { readonly git: Git; readonly prefix: string },
  { wish, first, tip, before }: { readonly wish: RevocationWish; readonly first: RevocationPlan; readonly tip: string; readonly before: string },
): Promise<RevocationPlan> {
  const path = revocationPath(wish.model, first.digest);
  const bytes = await git.readBlob(before, prefix + path);
  const known = bytes === null ? null : await parseRevocation(Buffer.from(bytes).toString('utf8'), path).catch(() => null);
  if (known === null || known.reason !== wish.reason.trim()) return first;
  return planRevocation({ git, prefix }, { ...wish, by: known.by, at: new Date(known.at) }, tip);
}
