// One decision about the main branch, as the audit log keeps it: an in-toto statement, signed (DSSE), chained to the one before by the digest of its bytes.
// Source: github.com/in-toto/attestation, spec/v1/statement.md; the predicate is documented in docs/audit.md
import type { Digest } from '../base/digest.ts';
import { countSchema, digestSchema, fields, instantSchema, nameSchema, z } from '../base/schema.ts';
import type { SignedBy } from '../pipeline/attestation.ts';
import { points } from './judgement.ts';
import { stages } from './schema.ts';

export const decisionType = 'https://plumbline.dev/decision/v1';

/**
 * start: the log begins here, with what the pointers of that commit name; promotion, rollback, removal: a pointer moved; revocation: a model was taken out for
 * good; policy: another policy.yaml; glass: somebody had served what does not verify, with a reason
 */
export const decisionKinds = ['start', 'promotion', 'rollback', 'removal', 'revocation', 'policy', 'glass'] as const;
export type DecisionKind = (typeof decisionKinds)[number];

const moveSchema = fields({
  model: nameSchema,
  stage: z.enum(stages),
  kind: z.enum(['promotion', 'forced', 'again', 'rollback', 'removed', 'broken']).describe('as `plumb history` names it'),
  from: digestSchema.nullable().describe('artifact that was there before'),
  to: digestSchema.nullable().describe('artifact that the pointer names now'),
  pointer: digestSchema.nullable().describe("SHA-256 of the pointer file's bytes"),
  served: z.boolean().describe('may be served from this record on; false: what was served before stays'),
});
export type Move = z.infer<typeof moveSchema>;

const personSchema = fields({
  login: z.string(),
  review: z.string().optional(),
  commit: z.string().nullable().optional(),
  at: instantSchema.optional(),
});

/**
 * Who signs what follows, as `audit:` and `trust:` of the policy that judges have it. It stands in every record, so that whoever verifies needs neither git
 * nor a reader of YAML: each record is signed by one whom the record before it names, and names who signs the next.
 */
const signersSchema = fields({
  keys: z
    .array(fields({ name: z.string(), public: z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'expected base64 of 32 bytes') }))
    .describe('Ed25519; base64 of the 32 bytes'),
  jobs: fields({
    workflows: z.array(z.string()).min(1).describe('files of the main branch whose jobs sign by their identity'),
    repository: z.string(),
    repositoryId: z.string().nullable(),
    issuer: z.string(),
    root: digestSchema.describe('SHA-256 of trusted_root.json, as the commit that brought the policy has it'),
  }).nullable(),
});
export type Signers = z.infer<typeof signersSchema>;

export const decisionSchema = fields({
  seq: countSchema.describe('0 for the first record, then one more each'),
  previous: digestSchema.nullable().describe('SHA-256 of the file of the record before; null for the first'),
  at: instantSchema.describe('when it was decided'),
  repository: z.string().describe('owner/name at the forge, or "local"'),
  branch: z.string().describe('the main branch'),
  commit: z.string().describe('the commit of the main branch that it is about'),
  parent: z.string().nullable().describe('the commit of the main branch before it'),
  kind: z.enum(decisionKinds),
  moves: z.array(moveSchema).describe('sorted by model, then stage'),
  revoked: z.array(digestSchema).describe('what this commit takes out for good, sorted'),
  policy: digestSchema.nullable().describe('SHA-256 of the policy.yaml that judges from this record on; null: there is none'),
  signers: signersSchema.describe('who signs the next record'),
  holds: z.boolean(),
  points: z.array(fields({ point: z.enum(points), holds: z.union([z.boolean(), z.literal('unknown')]), why: z.string() })),
  pull: fields({
    number: countSchema,
    url: z.string(),
    author: z.string().nullable(),
    mergedBy: z.string().nullable(),
    mergedAt: instantSchema.nullable(),
    head: z.string(),
  })
    .nullable()
    .describe('the pull request that brought it; null: it was pushed, or there is no forge'),
  approvals: z.array(personSchema).describe('those that counted'),
  reason: z.string().nullable().describe('of a rollback, a revocation, or of whoever broke the glass'),
  by: fields({ kind: z.enum(['job', 'key']), name: z.string(), run: z.string().nullable().describe('address of the run of CI') }),
}).describe('https://plumbline.dev/decision/v1');
export type Decision = z.infer<typeof decisionSchema>;

export const decisionStatementSchema = fields({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z
    .array(
      fields({
        name: z.string().describe('path of a pointer, a revocation or policy.yaml'),
        digest: fields({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
      }),
    )
    .describe('the files that it is about, as the commit has them, sorted by name'),
  predicateType: z.literal(decisionType),
  predicate: decisionSchema,
});
export type DecisionStatement = z.infer<typeof decisionStatementSchema>;

/** A record that verified. */
export interface LogRecord {
  readonly decision: Decision;
  /** the files that it is about, as its commit has them */
  readonly subject: DecisionStatement['subject'];
  /** SHA-256 of the record's bytes: what the next one names as `previous` */
  readonly digest: Digest;
  /** the record's bytes: a DSSE envelope, or a Sigstore bundle, in one line of JSON */
  readonly text: string;
  readonly signedBy: SignedBy;
}

/** Something about the log that does not hold. */
export interface LogFinding {
  /**
   * rewritten: what was there before, in the log or on the main branch, is not there any more; behind: this clone's main branch is older than the log;
   * invalid: all else
   */
  readonly kind: 'invalid' | 'rewritten' | 'behind';
  /** of the record, or null: of the log as a whole */
  readonly seq: number | null;
  readonly what: string;
  readonly mend: string;
}

/** 'records/00000012.json': where a record stands in the log's branch, and in an export */
export function recordPath(seq: number): string {
  return `records/${String(seq).padStart(8, '0')}.json`;
}
