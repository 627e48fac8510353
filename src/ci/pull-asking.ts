// What a decision about a pull request asks of a forge, and what becomes of a question that it does not answer.
import { isPlumbError, type PlumbError } from '../base/errors.ts';
import type { Forge } from '../forge/forge.ts';
import type { Git, Oid } from '../git/git.ts';
import type { Access } from '../registry/access.ts';
import type { ApprovalRule } from '../registry/approvals.ts';

/** What is asked of a forge. */
export type FactsForge = Pick<
  Forge,
  'kind' | 'findPullRequest' | 'changedFiles' | 'reviews' | 'pushes' | 'retargetedAt' | 'runsOfWorkflow' | 'permissionOf' | 'isMember' | 'fileAt'
>;

export interface FactsQuestion {
  readonly git: Git;
  /** the project's folder in the repository: '' or 'sub/folder/' */
  readonly prefix: string;
  /** the commit of the base branch that it is judged against: its CODEOWNERS counts; of this clone */
  readonly base: Oid;
  /** of the policy that judges */
  readonly access: Access;
  /** `approvals` of what is judged: which teams are asked about */
  readonly rules: readonly ApprovalRule[];
  /** what it changes, relative to the repository, where git says it; null: the forge lists it */
  readonly paths: readonly string[] | null;
}

/** Notes what the forge would not say. */
export type Ask = <T, N>(what: string, work: Promise<T>, otherwise: N) => Promise<T | N>;

/** @param gaps what the forge would not say is added to it */
export function asking(gaps: string[]): Ask {
  return async (what, work, otherwise) => {
    try {
      return await work;
    } catch (error) {
      if (!isAnswer(error)) throw error;
      gaps.push(`${what}: ${error.message}`);
      return otherwise;
    }
  };
}

/** A forge that is in trouble may answer the next time; one that refuses will refuse again, and what it keeps from us stays unknown. */
function isAnswer(error: unknown): error is PlumbError {
  if (!isPlumbError(error) || !['FORGE_LIMIT', 'FORGE_DENIED', 'FORGE_FAILED'].includes(error.code)) return false;
  return Number(error.details?.['status'] ?? 0) < 500;
}
