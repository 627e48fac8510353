// Whose token it is: under which login what it writes appears.
import { z } from 'zod';
import type { Forge, ForgeOptions } from './forge.ts';
import { failureOf, openSession } from './session.ts';

const account = z.object({ login: z.string().min(1) });

/**
 * One request. Source: docs.github.com/en/rest/users/users, "Get the authenticated user"; docs.gitea.com/api, userGetCurrent
 * @returns null where the forge does not say: the token of an App, or of a job, speaks for no user
 * @throws PlumbError FORGE_DENIED for a token that is not valid, FORGE_FAILED, FORGE_BUSY
 */
export async function loginOf(kind: Forge['kind'], options: Omit<ForgeOptions, 'author' | 'owner' | 'repo'>): Promise<string | null> {
  const { octokit, told } = openSession(kind === 'gitea' ? 'Gitea' : 'GitHub', { ...options, author: '', owner: '', repo: '' });
  try {
    const { data } = await octokit.request('GET /user', { headers: kind === 'gitea' ? {} : { 'x-github-api-version': '2022-11-28' } });
    return account.safeParse(data).data?.login ?? null;
  } catch (error) {
    const { status } = failureOf(error) ?? {};
    if (status === 403 || status === 404) return null;
    return told(Promise.reject(error));
  }
}
