// Reading one part of a forge's settings: what the token may not see is written down with what it lacks, and is null; what is documented to mean
// "there is none" is taken for that, by the forge's own words, because a forge also answers 404 for what it hides.
import { failureOf, type Session } from './session.ts';
import type { Unread } from './settings.ts';

export interface Reading {
  readonly unread: readonly Unread[];
  /** @returns null when this token may not read it */
  part<T>(part: Part<T>): Promise<T | null>;
}

export interface Part<T> {
  /** in words, for people: 'secrets of the repository' */
  readonly what: string;
  /** permission, in the forge's words */
  readonly needs: string;
  readonly read: () => Promise<T>;
  /** what it is worth when the forge says that there is none of it */
  readonly none?: { readonly value: T; readonly said: RegExp };
}

/** What a part of GitHub's settings is read with. */
export interface GitHubReader extends Pick<Session, 'octokit' | 'entries'> {
  readonly owner: string;
  readonly repo: string;
  /** of the repository */
  readonly page: string;
  readonly part: Reading['part'];
}

/** Of a plan that does not have the feature: there is no rule, whatever the page shows. */
const notInPlan = /upgrade to github|upgrade your plan/i;

export function newReading(): Reading {
  const unread: Unread[] = [];
  return { unread, part };

  async function part<T>({ what, needs, read, none }: Part<T>): Promise<T | null> {
    try {
      return await read();
    } catch (error) {
      const failure = failureOf(error);
      if (failure === null || ![403, 404, 409, 422].includes(failure.status)) throw error;
      if (none !== undefined && (none.said.test(failure.message) || notInPlan.test(failure.message))) return none.value;
      const accepted = failure.headers['x-accepted-github-permissions']?.toString() ?? '';
      const wanted = /^[a-z_=,; ]{1,200}$/.test(accepted) ? accepted.replaceAll('_', '-').replaceAll('=', ': ') : needs;
      unread.push({ what, needs: wanted, said: `${failure.status} ${failure.message.replaceAll(/\s+/g, ' ').slice(0, 120)}` });
      return null;
    }
  }
}

/** The host of an address that may hold a password. */
export function hostOf(url: string | undefined): string {
  return url !== undefined && URL.canParse(url) ? new URL(url).host : 'unknown';
}
