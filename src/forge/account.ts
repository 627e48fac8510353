// Whose account it is, as far as a forge says.
import type { Account } from './forge.ts';

/** What both forges write of somebody; null, or nothing: the account is gone. */
export interface AccountData {
  readonly login: string;
  /** of GitHub: User, Bot, Organization, Mannequin */
  readonly type?: string | undefined;
}

/** Stand in for accounts that were deleted: GitHub's is a user like any other, Gitea's has no number. */
const gone: ReadonlySet<string> = new Set(['ghost', 'Ghost']);

/** What GitHub says of an account. Only a user is a person: an organisation, or a name that was carried over from elsewhere, is unknown. */
export function githubAccount(data: AccountData | null | undefined): Account | null {
  if (data === null || data === undefined) return null;
  const { login, type } = data;
  if (type === 'Bot' || login.endsWith('[bot]')) return { login, kind: 'bot' };
  return { login, kind: type === 'User' && !gone.has(login) ? 'person' : 'unknown' };
}

/** Gitea marks no account as a bot's but the one that its jobs speak with: the account of a machine looks like a person's there. */
export function giteaAccount(data: AccountData | null | undefined): Account | null {
  if (data === null || data === undefined || data.login === '') return null;
  const { login } = data;
  return { login, kind: login === 'gitea-actions' ? 'bot' : gone.has(login) ? 'unknown' : 'person' };
}
