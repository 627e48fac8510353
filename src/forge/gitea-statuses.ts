// What is said of a commit on Gitea: statuses; it has no check runs.
import { z } from 'zod';
import { giteaAccount } from './account.ts';
import type { Forge, PostedStatus, Status } from './forge.ts';
import { accountData, read, type GiteaPlace } from './gitea-place.ts';
import { cut } from './text.ts';

const mostDescription = 140;

const statusData = z.object({
  /** counts up within a commit */
  id: z.int(),
  context: z.string(),
  status: z.string(),
  description: z.string(),
  target_url: z.string(),
  /** none for what a job said with its own token */
  creator: accountData,
});
type StatusData = z.infer<typeof statusData>;

type Parts = Pick<Forge, 'setStatus' | 'statuses'>;

export function openStatuses({ ask, all }: GiteaPlace): Parts {
  return { setStatus, statuses };

  async function setStatus(commit: string, { context, state, description, link }: Status): Promise<void> {
    const said = { context, state, description: cut(description, mostDescription), ...(link === null ? {} : { target_url: link }) };
    await ask('POST', '/statuses/{commit}', { commit, ...said });
  }

  async function statuses(commit: string): Promise<readonly PostedStatus[]> {
    const list = { what: `the statuses of ${commit}`, path: '/commits/{commit}/statuses', words: { commit } };
    const latest = new Map<string, StatusData>();
    for (const one of await all(list, (data) => read(statusData, data))) {
      if ((latest.get(one.context)?.id ?? -1) < one.id) latest.set(one.context, one);
    }
    return [...latest.values()].map(statusOf);
  }
}

function statusOf({ context, status, description, target_url: link, creator }: StatusData): PostedStatus {
  return { context, state: stateOf(status), description, link: link === '' ? null : link, by: giteaAccount(creator), app: null };
}

/** One that was skipped has said nothing; a warning is no success. */
function stateOf(status: string): Status['state'] {
  if (status === 'skipped') return 'pending';
  return (['success', 'failure', 'pending'] as const).find((one) => one === status) ?? 'error';
}
