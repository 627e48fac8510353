// All that is known of a model that is, or was, served: the decision that put it there, its pointer, and the evidence that the pointer leads to.
import { digestOf, type Digest } from '../base/digest.ts';
import { evaluationSchema, type Evaluation } from '../evaluate/schema.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import type { Decision } from '../registry/audit-record.ts';
import type { LogRecord, Served } from '../registry/decision-log.ts';
import type { Evidence, Finding } from '../registry/evidence.ts';
import { pointerPath, type PointerPlace } from '../registry/pointer.ts';
import { chainOf, inputRuns } from '../registry/run-chain.ts';
import type { Pointer, Promotion } from '../registry/schema.ts';
import type { FileTree } from '../registry/tree.ts';
import { verifyPointer } from '../registry/verify-pointer.ts';

export interface Dossier {
  readonly served: Served;
  /** that put it there */
  readonly decision: Decision;
  /** null: it is not there any more, or none; `findings` says so */
  readonly pointer: Pointer | null;
  readonly promotion: Promotion | null;
  readonly runs: ReadonlyMap<Digest, RunRecord>;
  readonly evaluation: Evaluation | null;
  /** what was decided about that stage of it since, and is not served */
  readonly refused: readonly Decision[];
  /** empty: pointer and evidence hold together */
  readonly findings: readonly Finding[];
}

/** @param tree with the pointer and its evidence: the commit that `served` names, or an export. @param records that were there then */
export async function dossierOf(tree: FileTree, served: Served, records: readonly LogRecord[]): Promise<Dossier> {
  const decision = records[served.seq]?.decision;
  if (decision === undefined) throw new Error(`no record ${served.seq}`);
  const { pointer, evidence, findings } = await pointerOf(tree, served, served.pointer);
  return {
    served,
    decision,
    pointer,
    promotion: evidence?.promotion ?? null,
    runs: evidence?.runs ?? new Map(),
    evaluation: evaluationSchema.safeParse(evidence?.report?.evaluation).data ?? null,
    refused: records
      .slice(served.seq + 1)
      .map((record) => record.decision)
      .filter(({ moves }) => moves.some((move) => move.model === served.model && move.stage === served.stage && !move.served)),
    findings,
  };
}

/** The pointer of a place and its evidence, if it is the one that is meant. @param wanted SHA-256 of the pointer's bytes */
export async function pointerOf(
  tree: FileTree,
  place: PointerPlace,
  wanted: Digest,
): Promise<{ readonly pointer: Pointer | null; readonly evidence: Evidence | null; readonly findings: readonly Finding[] }> {
  const file = pointerPath(place);
  const [bytes = null] = await tree.read([file]);
  if (bytes === null || digestOf(bytes) !== wanted) {
    const what = `${file} is not the pointer that the log names: ${wanted}`;
    return { pointer: null, evidence: null, findings: [{ file, commit: tree.commit, what, mend: 'bring back the history that had it' }] };
  }
  return verifyPointer(tree, place);
}

/** Data sets by what was done with them. */
export interface DataUse {
  readonly name: string;
  readonly manifest: Digest;
  /** trained: its rows went into the model. evaluated: they only judged it. checked: looked at on the way, by the rules for one */
  readonly use: 'trained' | 'evaluated' | 'checked';
}

/** Sorted by name. A data set whose rows were split is trained on, and judged by, in parts: `trained`. */
export function dataUses({ pointer, runs }: Pick<Dossier, 'pointer' | 'runs'>): DataUse[] {
  if (pointer === null) return [];
  const readBy = (root: Digest): Set<Digest> =>
    new Set(
      [...chainOf([root], runs, inputRuns).values()].flatMap((run) =>
        Object.values(run.inputs).flatMap((input) => (input.kind === 'data' ? [input.digest] : [])),
      ),
    );
  const [trained, evaluated] = [readBy(pointer.run), readBy(pointer.evaluation)];
  return Object.entries(pointer.data)
    .map(([name, manifest]): DataUse => ({
      name,
      manifest,
      use: trained.has(manifest) ? 'trained' : evaluated.has(manifest) ? 'evaluated' : 'checked',
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
