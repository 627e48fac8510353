// Asks a forge what a decision about a pull request depends on, and no more. What it does not tell stays unknown, with what it said; a forge that is busy is an
// error, for asking again helps.
import { PlumbError } from '../base/errors.ts';
import type { BranchPush, Forge, PullRequest, Review } from '../forge/forge.ts';
import type { Git, Oid } from '../git/git.ts';
import { codeownersPlaces } from '../registry/codeowners.ts';
import type { Opinion, PullFacts, Push } from '../registry/pull-facts.ts';
import { subjectPaths } from '../registry/subject.ts';
import { commitTree } from '../registry/tree.ts';
import { asking, type FactsForge, type FactsQuestion } from './pull-asking.ts';
import { gatherStanding } from './pull-standing.ts';
import { gatherSubjects } from './pull-subjects.ts';
import { gatherTriggers } from './pull-triggers.ts';

/**
 * Commits are read from this clone where it has them, whoever made them: their names are digests. So whoever fetched the head first asks the forge for less.
 * @throws PlumbError FORGE_FAILED when there is no such pull request; FORGE_BUSY
 */
export async function gatherFacts(forge: FactsForge, number: number, question: FactsQuestion): Promise<PullFacts> {
  const pull = await forge.findPullRequest({ number });
  if (pull === null) throw new PlumbError('FORGE_FAILED', { what: `there is no pull request ${number}`, mend: 'look at its number' });
  const gaps: string[] = [];
  const ask = asking(gaps);
  const [files, reviews, pushes, retargetedAt, codeowners] = await Promise.all([
    ask('what it changes', listFiles(forge, number), null),
    ask('its reviews', forge.reviews(number), null),
    ask('who pushed to its branch', pushesOf(forge, pull), null),
    ask('whether it was led to another base branch', forge.retargetedAt(number), 'unknown' as const),
    readCodeowners(question.git, question.base, forge.kind),
  ]);
  const changed = question.paths ?? files;
  const first: PullFacts = {
    forge: forge.kind,
    number,
    url: pull.url,
    title: pull.title,
    author: pull.author === '' ? null : { login: pull.author, kind: pull.authorKind },
    fork: pull.fork,
    state: pull.state,
    baseRef: pull.baseRef,
    base: question.base,
    head: pull.head,
    openedAt: pull.openedAt.toISOString(),
    merged: mergedOf(pull),
    retargetedAt: retargetedAt instanceof Date ? retargetedAt.toISOString() : retargetedAt,
    files,
    opinions: reviews?.map(opinionOf) ?? null,
    pushes: pushes?.map(pushOf) ?? null,
    triggers: null,
    standing: {},
    subjectPaths: changed === null ? null : subjectPaths(changed, question.prefix),
    subjects: {},
    codeowners,
    gaps,
  };
  const withSubjects = { ...first, subjects: await gatherSubjects(forge, first, question.git, ask) };
  const started = await gatherTriggers(forge, withSubjects, question, ask);
  if (started !== null && 'why' in started) gaps.push(started.why);
  const withTriggers = { ...withSubjects, triggers: started === null || 'why' in started ? null : started.people };
  return { ...withTriggers, standing: await gatherStanding(forge, withTriggers, question, ask) };
}

async function listFiles(forge: FactsForge, number: number): Promise<string[]> {
  const changed = await forge.changedFiles(number);
  return changed.flatMap(({ path, previousPath }) => (previousPath === null ? [path] : [path, previousPath]));
}

async function pushesOf(forge: FactsForge, { headRepository, headRef }: PullRequest): Promise<readonly BranchPush[] | null> {
  return headRepository === null ? null : forge.pushes({ repository: headRepository, name: headRef });
}

/** @returns undefined when it is no text */
async function readCodeowners(git: Git, base: Oid, kind: Forge['kind']): Promise<string | null | undefined> {
  const found = (await commitTree(git, '', base).read(codeownersPlaces[kind])).find((bytes) => bytes !== null);
  if (found === undefined) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(found);
  } catch {
    return undefined;
  }
}

function mergedOf({ mergedAt, mergedBy, mergeCommit }: PullRequest): PullFacts['merged'] {
  return mergedAt === null ? null : { at: mergedAt.toISOString(), by: mergedBy, commit: mergeCommit };
}

/** An account that is gone has no name any more; both forges show it as ghost. */
function opinionOf({ id, author, bot, authorKind, state, commit, submittedAt }: Review): Opinion {
  return {
    id: String(id),
    person: { login: author === '' ? 'ghost' : author, kind: bot ? 'bot' : authorKind },
    state,
    commit,
    at: submittedAt.toISOString(),
  };
}

function pushOf({ who, before, after, at }: BranchPush): Push {
  return { person: who, before, after, at: at.toISOString() };
}
