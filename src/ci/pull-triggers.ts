// Who started the jobs that were at work when a pull request was opened or its content pushed. A job's push carries the name of its token, not of whoever
// started it, and a job may say anything of itself in a branch name, a body or a commit. So all who had one at work count as having started it.
import type { Forge } from '../forge/forge.ts';
import { branchHistory } from '../registry/branch-moves.ts';
import type { Person, PullFacts } from '../registry/pull-facts.ts';
import { commitTree, type FileTree } from '../registry/tree.ts';
import type { Ask, FactsQuestion } from './pull-asking.ts';

/** By these, anybody who may push a workflow file can speak: which job it was cannot be told. */
const everyJob: ReadonlySet<string> = new Set(['github-actions[bot]', 'gitea-actions']);
/** Workflows by which bots promote; these are their names in the templates, and they must keep them. */
const promoting: readonly string[] = ['promote.yml', 'rollback.yml'];
const folders: readonly string[] = ['.github/workflows', '.gitea/workflows', '.forgejo/workflows'];
/** a forge's clocks may differ by as much */
const slackMs = 60_000;
/** times that are asked about one by one; of more, the whole time from the first to the last */
const mostTimes = 5;

/** @returns null, or why: not known, so that nobody's approval counts */
export async function gatherTriggers(
  forge: Pick<Forge, 'runsOfWorkflow'>,
  facts: PullFacts,
  { git, base }: Pick<FactsQuestion, 'git' | 'base'>,
  ask: Ask,
): Promise<{ readonly people: readonly Person[] } | { readonly why: string } | null> {
  const history = branchHistory(facts);
  if ('why' in history) return null;
  const brought = history.moves.filter((move) => move.brought !== false);
  const anyJob = [facts.author, ...brought.map(({ person }) => person)].find((person) => person !== null && everyJob.has(person.login));
  if (anyJob !== undefined && anyJob !== null) {
    const mend = 'promote by the token of an App, or of an account that access.machines names';
    return { why: `who started the job of ${anyJob.login}: every job of every workflow has that account; ${mend}` };
  }
  const times = timesOf([facts.openedAt, ...brought.map(({ at }) => at)].map((at) => Date.parse(at)));
  const workflows = await promotingAt(commitTree(git, '', base));
  const asked = times.flatMap((between) => workflows.map((file) => ask(`runs of ${file}`, forge.runsOfWorkflow(file, between), null)));
  const found = await Promise.all(asked);
  if (found.includes(null)) return null;
  const starters = found.flatMap((some) => (some ?? []).map(({ by }) => by));
  const people = starters.filter((person) => person !== null);
  if (people.length < starters.length) return { why: 'who started a job that was at work then: the forge does not say' };
  return { people: [...new Map(people.map((person) => [person.login.toLowerCase(), person])).values()] };
}

/** Those that the base has: of what was never there, nobody started a job. */
async function promotingAt(tree: FileTree): Promise<string[]> {
  const paths = promoting.flatMap((name) => folders.map((folder) => ({ name, path: `${folder}/${name}` })));
  const found = await tree.read(paths.map(({ path }) => path));
  return [...new Set(paths.filter((_, at) => found[at] !== null).map(({ name }) => name))];
}

/** Times that overlap are one. */
function timesOf(moments: readonly number[]): { from: Date; to: Date }[] {
  const times: { from: number; to: number }[] = [];
  for (const moment of moments.toSorted((a, b) => a - b)) {
    const last = times.at(-1);
    if (last !== undefined && moment - slackMs <= last.to) last.to = moment + slackMs;
    else times.push({ from: moment - slackMs, to: moment + slackMs });
  }
  const [first] = times;
  const last = times.at(-1);
  const few = times.length <= mostTimes || first === undefined || last === undefined ? times : [{ from: first.from, to: last.to }];
  return few.map(({ from, to }) => ({ from: new Date(from), to: new Date(to) }));
}
