// Who moved a branch, by the list of what happened in its repository.
//
// Gitea keeps one entry a push, with what was there before in an address, and two for a branch that is made. What it does not tell, and what follows: one
// who hides their activity, and the account of jobs, are left out for whoever is no administrator of the server; an entry that is too long comes empty; old
// ones may be swept away. Each makes a gap, and then the moves are not known. A push with a deploy key carries the account that owns the repository.
import { z } from 'zod';
import { giteaAccount } from './account.ts';
import { readHistory, type BranchMove, type BranchRecord } from './branch-history.ts';
import type { Account, BranchPush, Forge } from './forge.ts';
import { accountData, orNull, perPage, read, readList, totalOf, type GiteaPlace } from './gitea-place.ts';

const mostPages = 60;

const entryData = z.object({
  id: z.int(),
  op_type: z.string(),
  ref_name: z.string(),
  content: z.string(),
  act_user: accountData,
  created: z.coerce.date(),
});
type Entry = z.infer<typeof entryData>;
const pushData = z.object({ CompareURL: z.string(), HeadCommit: z.object({ Sha1: z.string() }) });
const branchData = z.object({ commit: z.object({ id: z.string() }) });
const keysData = z.array(z.object({ read_only: z.boolean() }));

export function openPushes({ options, ask, askServer }: GiteaPlace): Forge['pushes'] {
  return async ({ repository, name }) => {
    const [owner, repo, ...more] = repository.split('/');
    if (!owner || !repo || more.length > 0) return null;
    const ours = repository.toLowerCase() === `${options.owner}/${options.repo}`.toLowerCase();
    const pushes = await readHistory(() => recordOf({ owner, repo, name }), options.pause);
    return pushes === null ? null : withoutKeys(pushes, owner, ours);
  };

  async function recordOf({
    name,
    ...where
  }: {
    readonly owner: string;
    readonly repo: string;
    readonly name: string;
  }): Promise<BranchRecord | null> {
    const entries = await entriesOf(where, `refs/heads/${name}`);
    const moves = entries === null ? null : movesOf(entries);
    if (moves === null) return null;
    const found = await orNull(askServer('GET', '/repos/{owner}/{repo}/branches/{name}', { ...where, name }));
    return { moves, tip: found === null ? null : read(branchData, found.data).commit.id };
  }

  /** The oldest first; null: there are too many, or the fork cannot be seen. */
  async function entriesOf(where: { readonly owner: string; readonly repo: string }, ref: string): Promise<Entry[] | null> {
    const found = new Map<number, Entry>();
    for (let page = 1, seen = 0; page <= mostPages; page += 1) {
      const answer = await orNull(askServer('GET', '/repos/{owner}/{repo}/activities/feeds', { ...where, limit: perPage, page }), [403, 404]);
      if (answer === null) return null;
      const entries = readList(answer.data).map((one) => read(entryData, one));
      for (const one of entries) if (one.ref_name === ref) found.set(one.id, one);
      seen += entries.length;
      // the newest first, but in any order within a second
      const made = Math.max(...[...found.values()].filter(isMaking).map((one) => one.created.getTime()));
      const complete = (entries.at(-1)?.created.getTime() ?? 0) < made || seen >= totalOf(answer.headers);
      if (complete || entries.length === 0) return [...found.values()].toSorted((a, b) => a.id - b.id);
    }
    return null;
  }

  /** @returns them with nobody in place of an owner whose account may be that of a deploy key */
  async function withoutKeys(pushes: readonly BranchPush[], owner: string, ours: boolean): Promise<readonly BranchPush[]> {
    const isOwner = (who: Account | null): boolean => who?.login.toLowerCase() === owner.toLowerCase();
    if (!pushes.some((one) => isOwner(one.who)) || !(await ownerMayBeKey(owner, ours))) return pushes;
    return pushes.map((one) => (isOwner(one.who) ? { ...one, who: null } : one));
  }

  /** An organisation never pushes; a person's repository must be seen to have no key that may write. */
  async function ownerMayBeKey(owner: string, ours: boolean): Promise<boolean> {
    if ((await orNull(askServer('GET', '/orgs/{owner}', { owner }))) !== null) return true;
    // of a fork only its owner may ask
    const keys = ours ? await orNull(ask('GET', '/keys', { limit: perPage }), [403, 404]) : null;
    if (keys === null) return true;
    const known = read(keysData, keys.data ?? []);
    return known.some((one) => !one.read_only) || known.length < totalOf(keys.headers);
  }
}

function isMaking(one: Entry): boolean {
  return one.op_type === 'commit_repo' && one.content === '';
}

/** @param entries of one branch, the oldest first. @returns null where one does not say what it was */
function movesOf(entries: readonly Entry[]): BranchMove[] | null {
  const moves: BranchMove[] = [];
  let making = false;
  for (const one of entries) {
    if (isMaking(one)) {
      making = true;
      continue;
    }
    const change = one.op_type === 'delete_branch' ? { before: moves.at(-1)?.after ?? null, after: null } : pushOf(one);
    if (change === null) return null;
    moves.push({ who: giteaAccount(one.act_user), at: one.created, ...change, ...(making ? { before: null } : {}) });
    making = false;
  }
  return making ? null : moves;
}

/** What a new branch was compared with is not where it was: only the entry before it says that it is new. */
function pushOf({ op_type: kind, content }: Entry): Pick<BranchMove, 'before' | 'after'> | null {
  if (kind !== 'commit_repo') return null;
  const push = pushData.safeParse(parsed(content)).data;
  if (push === undefined) return null;
  const before = /\/compare\/([0-9a-f]{40,64})\.\.\.[0-9a-f]{40,64}$/.exec(push.CompareURL)?.[1];
  return { before: before ?? '', after: push.HeadCommit.Sha1 };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
