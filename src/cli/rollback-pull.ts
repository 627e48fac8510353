// `plumb rollback --pr`: the way back from what origin's main branch has now, as a pull request. Its pointers are the earlier ones byte by byte, so that the check
// takes it by the fast lane.
import { hexOf, shortDigest, digestOf } from '../base/digest.ts';
import { refuseTokenOfJob } from '../ci/forge-place.ts';
import type { Project } from '../project/open.ts';
import { findWayBack, type WayBack, type WayWish } from '../registry/way-back.ts';
import type { Cli } from './command.ts';
import { openForgeOf } from './open-forge.ts';
import { committer, fetchMain, openPull } from './promotion-pull.ts';
import { pullText } from './promotion-text.ts';
import { tellSteps, type RollbackOptions } from './rollback.ts';

export async function rollBackByPull(project: Project, wish: WayWish, options: RollbackOptions, cli: Cli): Promise<void> {
  // what this token cannot do is said before anything is sent
  const open = await openForgeOf(project, options, cli, refuseTokenOfJob);
  const author = await committer(project, cli);
  const main = await fetchMain(project, open);
  const way = await findWayBack(project, wish, main.commit);
  const { number, url, branch, commit, state, warning } = await openPull(project.git, open, {
    branch: branchOf(way),
    main,
    author,
    files: new Map(way.files.map(({ path, bytes }) => [project.prefix + path, bytes])),
    message: way.message,
    body: pullText({
      kind: 'rollback',
      moves: way.steps.map(({ place, from, to }) => ({ ...place, from, to })),
      reason: wish.reason ?? null,
      notes: [],
      reports: [],
    }),
  });
  if (warning !== null) cli.note(cli.paint.yellow(`! ${warning}`));
  tellSteps(way.steps, { commit, reverted: way.revert, branch, base: main.commit, pull: { number, url, state } }, cli);
  cli.print(`pull request ${number} ${state === 'unchanged' ? 'says so already' : state}: ${url}\nIts merge is the rollback.`);
}

/** One branch for one way: where it leads, and from where. */
function branchOf({ plan, steps }: WayBack): string {
  const { model, stage } = plan.place;
  const to = plan.to.after === null ? 'broken' : shortDigest(plan.to.after);
  const from = hexOf(digestOf(steps.map((step) => `${step.place.model} ${step.from}`).join('\n'))).slice(0, 7);
  return `plumb/rollback/${model}-${stage}-${to}-from-${from}`;
}
