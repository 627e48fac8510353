// From models that were judged to the files of one commit: what `plumb promote` does, whether it commits here or opens a pull request.
import { byCodeUnit, canonicalJson } from '../base/canonical.ts';
import { digestOf, shortDigest, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Oid } from '../git/git.ts';
import type { Project } from '../project/open.ts';
import type { PlannedFile } from '../registry/evidence.ts';
import type { PointerHistory } from '../registry/history.ts';
import type { PromotionInput, PromotionPlan } from '../registry/promotion.ts';
import type { Pointer } from '../registry/schema.ts';
import type { FileTree } from '../registry/tree.ts';
import type { Judged } from './judging.ts';

/** What a decision stands on. */
export interface Ground {
  /** what came before, up to here, counts as history; null: nothing did */
  readonly head: Oid | null;
  /** commit whose policy judges */
  readonly base: Oid | null;
  /** by model: what is in the stage, and in staging */
  readonly pointers: Readonly<Record<string, { readonly current: Pointer | null; readonly staging: Pointer | null }>>;
}

/** Read again before anything is written: nothing of it may have moved. @param tree that the pointers are read from */
export async function readGround(
  judged: readonly Judged[],
  { tree, head, base }: Pick<Ground, 'head' | 'base'> & { tree: FileTree },
): Promise<Ground> {
  const { readPointer } = await import('../registry/pointer.ts');
  const pointers: Record<string, Ground['pointers'][string]> = {};
  for (const { model, stage } of judged)
    pointers[model] = { current: await readPointer(tree, model, stage), staging: await readPointer(tree, model, 'staging') };
  return { head, base, pointers };
}

/** @throws PlumbError REPOSITORY_BUSY */
export function checkGround(before: Ground, now: Ground): void {
  if (canonicalJson({ ...before }) === canonicalJson({ ...now })) return;
  throw new PlumbError('REPOSITORY_BUSY', {
    what: 'a commit or another promotion came between the decision and its commit',
    mend: 'run it again: it is decided on what is there now',
  });
}

/** Who decides, when, and against what. */
export interface Decision extends Pick<PromotionInput, 'by' | 'at' | 'base'> {
  readonly force: boolean;
  readonly again: boolean;
  readonly reason: string;
}

/**
 * One plan for each model, in the order of their names.
 * @throws PlumbError PROMOTION_REFUSED, MODEL_FILE_REFUSED, GATE_FAILED, EVIDENCE_INVALID, GIT_TOO_SHALLOW
 */
export async function planMoves(
  { git, prefix, store }: Pick<Project, 'git' | 'prefix' | 'store'>,
  judged: readonly Judged[],
  { ground, decision }: { readonly ground: Ground; readonly decision: Decision },
): Promise<PromotionPlan[]> {
  const [{ planPromotion }, { checkModelFiles }, { pointerHistory }, { readPromotionGround }] = await Promise.all([
    import('../registry/promotion.ts'),
    import('../registry/model-files.ts'),
    import('../registry/history.ts'),
    import('../registry/promotion-ground.ts'),
  ]);
  const historyAt = async (commit: Oid | null, { model, stage }: Judged): Promise<PointerHistory> =>
    commit === null ? [] : pointerHistory(git, prefix, commit, model, stage);
  const plans: PromotionPlan[] = [];
  for (const one of judged.toSorted((a, b) => byCodeUnit(a.model, b.model))) {
    await checkModelFiles(one.candidate, store);
    const { current = null, staging = null } = ground.pointers[one.model] ?? {};
    const reason = { reason: decision.reason };
    plans.push(
      await planPromotion({
        ...factsOf(one),
        ...(await readPromotionGround({ git, prefix, store }, { ...one, baselines: one.judgement.baselines, on: [ground.head, one.base.commit] })),
        with: judged.filter((other) => other !== one).map((other) => other.model),
        current,
        staging,
        history: await historyAt(ground.head, one),
        // what the base took back is taken back, also for a branch that began before it
        baseHistory: one.base.commit === ground.head ? [] : await historyAt(one.base.commit, one),
        by: decision.by,
        at: decision.at,
        base: decision.base,
        ...(decision.force ? { force: reason } : {}),
        ...(decision.again ? { again: reason } : {}),
      }),
    );
  }
  return plans;
}

function factsOf({
  model,
  stage,
  policy,
  base,
  candidate,
  judgement,
  source,
}: Judged): Pick<PromotionInput, 'model' | 'stage' | 'policy' | 'policyText' | 'candidate' | 'report' | 'gate' | 'comparisons' | 'baselines'> {
  const json = canonicalJson(judgement.report);
  return {
    model,
    stage,
    policy,
    policyText: base.policyText,
    candidate: {
      artifact: candidate.artifact,
      run: candidate.made.digest,
      evaluation: candidate.evaluated.digest,
      records: candidate.records,
      data: candidate.data,
      code: source,
      metrics: candidate.evaluated.record.metrics,
      parts: candidate.parts,
    },
    report: { digest: digestOf(json), json },
    gate: judgement.gate,
    comparisons: judgement.comparisons,
    baselines: judgement.baselines,
  };
}

/** Of several models in one commit: all their files, the pointers last, and a message that says each. */
export function together(plans: readonly PromotionPlan[]): { readonly files: readonly PlannedFile[]; readonly message: string } {
  const pointers = new Set(plans.map(({ pointer }) => `models/${pointer.model}/${pointer.stage}.json`));
  const unique = new Map(plans.flatMap(({ files }) => files.map((file) => [file.path, file] as const)));
  const files = [...unique.values()].toSorted((a, b) => Number(pointers.has(a.path)) - Number(pointers.has(b.path)) || byCodeUnit(a.path, b.path));
  const [only, ...others] = plans;
  if (only === undefined) throw new Error('nothing is promoted');
  if (others.length === 0) return { files, message: only.message };
  const names = plans.map(({ pointer }) => pointer.model).join(', ');
  return {
    files,
    message: `promote ${plans.length} models to ${only.pointer.stage}: ${names}\n\n${plans.map(({ message }) => message.trim()).join('\n\n')}\n`,
  };
}

/** What moves is the pointer of this branch, what judges is the base: both must begin at the same model. */
export function refuseStrayBranch({ model, stage, served, base }: Judged, { pointers }: Ground): void {
  const there = served[stage]?.pointer.artifact.digest;
  const here = pointers[model]?.current?.artifact.digest;
  if (base.commit === null || there === here) return;
  const name = (digest: Digest | undefined): string => (digest === undefined ? 'nothing' : shortDigest(digest));
  throw new PlumbError('PROMOTION_REFUSED', {
    what: `on this branch ${name(here)} is in ${stage} as ${model}, on the base ${name(there)}: the comparison would be with another model than the one that is replaced`,
    mend: 'merge the base into this branch, promote on the base itself, or open a pull request on top of it: --pr',
  });
}

/** Before a pointer names them, the bytes are where everybody can fetch them; what the remote has is not sent again. */
export async function sendModel(project: Project, judged: Judged, world: Parameters<Project['store']['push']>[2]): Promise<void> {
  if (project.store.remoteUrl === null) return;
  const { collectModel } = await import('../registry/found-model.ts');
  const { roots, names } = collectModel(judged.candidate, project.store, Object.values(judged.judgement.baselines));
  await project.store.push(roots, names, world);
}
