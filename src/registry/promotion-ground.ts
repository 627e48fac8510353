// What a promotion stands on beyond the model itself, read from git and from the store: who signed the runs, what was taken out, and how long it soaked.
import type { Digest } from '../base/digest.ts';
import type { Git, Oid } from '../git/git.ts';
import type { KeptRecord } from '../pipeline/records.ts';
import type { Store } from '../store/store.ts';
import { baseSoak } from './judge-order.ts';
import type { PromotionInput } from './promotion.ts';
import { everRevoked } from './revocation.ts';
import type { Policy, Stage } from './schema.ts';
import { findSignatures } from './signatures.ts';

export interface PromotionWish {
  readonly model: string;
  readonly stage: Stage;
  readonly policy: Policy;
  readonly candidate: Pick<PromotionInput['candidate'], 'artifact' | 'records'>;
  readonly baselines: Readonly<Partial<Record<Stage, KeptRecord>>>;
  /** what the promotion is put on top of, and the base branch: what either took out is out */
  readonly on: readonly (Oid | null)[];
}

/** @throws PlumbError GIT_TOO_SHALLOW */
export async function readPromotionGround(
  { git, prefix, store }: { readonly git: Git; readonly prefix: string; readonly store: Pick<Store, 'nameHere' | 'nameInRemote'> },
  { model, stage, policy, candidate, baselines, on }: PromotionWish,
): Promise<Required<Pick<PromotionInput, 'signatures' | 'revoked' | 'stagedSince'>>> {
  const commits = [...new Set(on)].filter((commit) => commit !== null);
  const revoked = new Set<Digest>();
  for (const commit of commits) for (const digest of await everRevoked(git, prefix, commit)) revoked.add(digest);
  const [before] = commits;
  const wantsSoak = policy.models[model]?.[stage]?.soak !== undefined;
  const compared = Object.values(baselines).map(({ digest, record }) => [digest, record] as const);
  return {
    signatures: await findSignatures(store, new Map([...candidate.records, ...compared])),
    revoked,
    stagedSince: wantsSoak && before !== undefined ? await baseSoak(git, { prefix, before, model, artifact: candidate.artifact.digest }) : null,
  };
}
