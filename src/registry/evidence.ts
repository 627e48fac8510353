// Evidence travels beside the pointer in git: small files, each named by the SHA-256 of its bytes.
//
// Each stage has a folder of its own. If staging and production shared one, `git revert` of the promotion to staging would
// take away the run records that the promotion to production did not need to add; so every plain revert leaves whole what the other stage names.
import { byCodeUnit, canonicalJson, type Json } from '../base/canonical.ts';
import { digestOf, hexOf, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { checkName } from '../base/names.ts';
import { comparisonSchema, type Comparison } from '../evaluate/schema.ts';
import type { KeptRecord } from '../pipeline/records.ts';
import { runRecordSchema, type RunRecord } from '../pipeline/run-record.ts';
import { files } from '../project/layout.ts';
import { pointerPath, type PointerPlace } from './pointer.ts';
import { earlierRuns } from './run-chain.ts';
import { promotionSchema, signaturesSchema, stages, type Pointer, type Promotion, type Signatures, type Stage } from './schema.ts';
import type { FileTree } from './tree.ts';
import { z } from '../base/schema.ts';

export type EvidenceKind = 'json' | 'yaml';

/** A file to write, project-relative. */
export interface PlannedFile {
  readonly path: string;
  readonly bytes: string;
}

/** Something that does not hold, in words. */
export interface Finding {
  /** project-relative */
  readonly file: string;
  /** null: the work tree */
  readonly commit: string | null;
  readonly what: string;
  readonly mend: string;
}

/** 'models/intents/evidence/production' @throws PlumbError NAME_INVALID */
export function evidenceFolder({ model, stage }: PointerPlace): string {
  return `${files.models}/${checkName('model', model)}/evidence/${stage}`;
}

/** json: canonical JSON (RFC 8785); yaml: the policy.yaml that judged, as it was. */
export function evidencePath(place: PointerPlace, digest: Digest, kind: EvidenceKind): string {
  return `${evidenceFolder(place)}/${hexOf(digest)}.${kind}`;
}

const evidenceForm = new RegExp(`^${files.models}/([^/]+)/evidence/(${stages.join('|')})/([0-9a-f]{64})\\.(json|yaml)$`, 'u');

/** What the name of an evidence file says that its bytes are; null for a path that is no evidence file's. */
export function evidenceOf(path: string): { place: PointerPlace; digest: Digest; kind: EvidenceKind } | null {
  const [, model, stage, hex, kind] = evidenceForm.exec(path) ?? [];
  if (model === undefined) return null;
  return { place: { model, stage: stage as Stage }, digest: `sha256:${hex}`, kind: kind as EvidenceKind };
}

/** A JSON value as an evidence file. @throws PlumbError EVIDENCE_INVALID for a value that has no JSON form that every reader agrees on */
export function planEvidence(place: PointerPlace, value: Json): PlannedFile & { digest: Digest } {
  let bytes: string;
  try {
    bytes = canonicalJson(value);
  } catch (error) {
    throw new PlumbError('EVIDENCE_INVALID', {
      what: `evidence of ${place.model} cannot be written: ${(error as Error).message}`,
      mend: 'a label or a name holds half a character (a lone surrogate): mend it in the data',
      cause: error,
    });
  }
  const digest = digestOf(bytes);
  return { path: evidencePath(place, digest, 'json'), bytes, digest };
}

/**
 * What is wrong with the bytes of an evidence file, or null: they hash to its name and JSON is in the one canonical form.
 * @param bytes null: there is no such file
 */
export function evidenceFault(digest: Digest, kind: EvidenceKind, bytes: Uint8Array | string | null): string | null {
  if (bytes === null) return 'is not there';
  const actual = digestOf(bytes);
  if (actual !== digest) return `does not hold what its name says: its bytes are ${actual}`;
  if (kind === 'yaml') return null;
  const text = textOf(bytes);
  try {
    return digestOf(canonicalJson(JSON.parse(text) as Json)) === digest ? null : 'is not canonical JSON';
  } catch (error) {
    return `is not JSON: ${(error as Error).message}`;
  }
}

/** The text of an evidence file, verified. @throws PlumbError EVIDENCE_INVALID */
export async function readEvidenceText(tree: FileTree, place: PointerPlace, digest: Digest, kind: EvidenceKind): Promise<string> {
  const path = evidencePath(place, digest, kind);
  const [bytes = null] = await tree.read([path]);
  const fault = evidenceFault(digest, kind, bytes);
  if (fault === null && bytes !== null) return textOf(bytes);
  throw new PlumbError('EVIDENCE_INVALID', { what: `${path} ${fault}`, where: { file: path }, mend: mendEvidence(path, bytes) });
}

/** The decision behind a pointer. @throws PlumbError EVIDENCE_INVALID */
export async function readPromotion(tree: FileTree, pointer: Pointer): Promise<Promotion> {
  const path = evidencePath(pointer, pointer.promotion, 'json');
  const text = await readEvidenceText(tree, pointer, pointer.promotion, 'json');
  const result = promotionSchema.safeParse(JSON.parse(text));
  if (result.success) return result.data;
  throw new PlumbError('EVIDENCE_INVALID', {
    what: `${path} is no promotion record: ${shapeOf(result.error)}`,
    where: { file: path },
    mend: 'a later version of Plumbline may have written it: use that one',
  });
}

/** All that a pointer leads to, as far as it could be read and is what its name says. */
export interface Evidence {
  readonly runs: ReadonlyMap<Digest, RunRecord>;
  readonly promotion: Promotion | null;
  readonly report: ReportFacts | null;
  readonly comparisons: Readonly<Partial<Record<Stage, Comparison>>>;
  /** the evaluations whose answers they are with */
  readonly baselines: Readonly<Partial<Record<Stage, KeptRecord>>>;
  /** null: nobody's were kept, or they cannot be read */
  readonly signatures: Signatures | null;
  /** text of the policy.yaml that judged */
  readonly policy: string | null;
  /** every file that the pointer leads to, there or not; sorted */
  readonly paths: readonly string[];
  readonly findings: readonly Finding[];
}

/**
 * What verifying asks of a report/1. The whole format is report/schema.ts, which stands above this folder; and a report of a later version, with more in it,
 * must go on verifying.
 */
const reportFactsSchema = z.looseObject({
  plumbline: z.literal('report/1'),
  model: z.string(),
  verdict: z.string().optional(),
  candidate: z.looseObject({ artifact: z.string(), run: z.string() }),
  baseline: z.looseObject({ what: z.string(), artifact: z.string() }).nullable(),
  gate: z.looseObject({ gate: z.string() }).nullable(),
  evaluation: z.unknown(),
  comparison: z.unknown(),
});
export type ReportFacts = z.infer<typeof reportFactsSchema>;

/** Reads the evidence of a pointer, wave by wave: what it names, then what the run records name.  */
export async function loadEvidence(tree: FileTree, pointer: Pointer): Promise<Evidence> {
  const loader = new EvidenceLoader(tree, pointer);
  const [promotion, report, policy] = await loader.texts([
    [pointer.promotion, 'json'],
    [pointer.report, 'json'],
    [pointer.policy, 'yaml'],
  ]);
  const record = loader.parse('promotion record', pointer.promotion, promotion ?? null, promotionSchema);
  const comparisons = await loader.byStage('comparison', record?.comparisons, comparisonSchema);
  const baselines = await loader.byStage('run record', record?.baselines, runRecordSchema);
  const [signatures = null] = record?.signatures === undefined ? [] : await loader.texts([[record.signatures, 'json']]);
  const runs = await loader.runs([pointer.run, pointer.evaluation]);
  return {
    runs,
    promotion: record,
    report: loader.parse('report', pointer.report, report ?? null, reportFactsSchema),
    comparisons: Object.fromEntries(comparisons.map(({ stage, value }) => [stage, value])),
    baselines: Object.fromEntries(baselines.map(({ stage, digest, value }) => [stage, { digest, record: value }])),
    signatures: record?.signatures === undefined ? null : loader.parse('signatures', record.signatures, signatures, signaturesSchema),
    policy: policy ?? null,
    paths: [...loader.paths].toSorted(byCodeUnit),
    findings: loader.findings,
  };
}

class EvidenceLoader {
  readonly paths = new Set<string>();
  readonly findings: Finding[] = [];
  readonly #tree: FileTree;
  readonly #place: PointerPlace;

  constructor(tree: FileTree, place: PointerPlace) {
    this.#tree = tree;
    this.#place = place;
  }

  /** In the order asked; null, and a finding, for what is not there or is not what its name says. */
  async texts(wanted: readonly (readonly [Digest, EvidenceKind])[]): Promise<(string | null)[]> {
    const paths = wanted.map(([digest, kind]) => evidencePath(this.#place, digest, kind));
    const all = await this.#tree.read(paths);
    return wanted.map(([digest, kind], at) => {
      const path = paths[at] ?? '';
      const bytes = all[at] ?? null;
      const fault = evidenceFault(digest, kind, bytes);
      if (fault !== null && !this.paths.has(path)) {
        const leads = bytes === null ? `; ${pointerPath(this.#place)} leads to it` : '';
        this.#find(path, `${path} ${fault}${leads}`, mendEvidence(path, bytes));
      }
      this.paths.add(path);
      return fault === null && bytes !== null ? textOf(bytes) : null;
    });
  }

  parse<T>(what: string, digest: Digest, text: string | null, schema: z.ZodType<T>): T | null {
    if (text === null) return null;
    const result = schema.safeParse(JSON.parse(text));
    if (result.success) return result.data;
    const path = evidencePath(this.#place, digest, 'json');
    this.#find(path, `${pointerPath(this.#place)} names ${path} as ${what}, which it is not: ${shapeOf(result.error)}`, promoteAnew);
    return null;
  }

  /** What a promotion record names by stage. */
  async byStage<T>(
    what: string,
    named: Readonly<Partial<Record<Stage, Digest | undefined>>> | undefined,
    schema: z.ZodType<T>,
  ): Promise<{ stage: Stage; digest: Digest; value: T }[]> {
    const wanted = stages.flatMap((stage) => (named?.[stage] === undefined ? [] : [{ stage, digest: named[stage] }]));
    const texts = await this.texts(wanted.map(({ digest }) => [digest, 'json']));
    return wanted.flatMap(({ stage, digest }, at) => {
      const value = this.parse(what, digest, texts[at] ?? null, schema);
      return value === null ? [] : [{ stage, digest, value }];
    });
  }

  /** These run records and all that came before them: what their inputs came from, and what had to end well first. */
  async runs(roots: readonly Digest[]): Promise<Map<Digest, RunRecord>> {
    const found = new Map<Digest, RunRecord>();
    const asked = new Set<Digest>();
    for (let wave = [...new Set(roots)]; wave.length > 0;) {
      for (const digest of wave) asked.add(digest);
      const texts = await this.texts(wave.map((digest) => [digest, 'json']));
      const next = new Set<Digest>();
      for (const [at, digest] of wave.entries()) {
        const record = this.parse('run record', digest, texts[at] ?? null, runRecordSchema);
        if (record === null) continue;
        found.set(digest, record);
        for (const run of earlierRuns(record)) if (!asked.has(run)) next.add(run);
      }
      wave = [...next];
    }
    return found;
  }

  #find(file: string, what: string, mend: string): void {
    this.findings.push({ file, commit: this.#tree.commit, what, mend });
  }
}

export const promoteAnew = 'restore models/ from a commit that `plumb verify --history` finds good, or promote the model anew';

export function mendEvidence(path: string, bytes: Uint8Array | string | null): string {
  return bytes === null
    ? `if it was taken away, \`git log --diff-filter=D -- ${path}\` names the commit, and \`git checkout <commit>~1 -- ${path}\` brings it back; if there never was such a file, the pointer was changed: restore that`
    : `bring back what was committed first: \`git log --diff-filter=A -- ${path}\`, then \`git checkout <commit> -- ${path}\``;
}

/** The first complaint of a schema, as a sentence. */
export function shapeOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue === undefined ? 'its shape is another' : `${issue.path.map(String).join('.') || 'it'}: ${issue.message}`;
}

function textOf(bytes: Uint8Array | string): string {
  return typeof bytes === 'string' ? bytes : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}
