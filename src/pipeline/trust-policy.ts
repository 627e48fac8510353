// `trust:` of policy.yaml: whose signature on a run record counts. Read from the base branch, never from the branch that is judged.
import { digestSchema, fields, z } from '../base/schema.ts';

const url = z.string().regex(/^https?:\/\/[^\s@]+$/, 'expected an address like https://host, without a user');

const sigstoreSchema = fields({
  issuer: z.string().min(1).default('https://token.actions.githubusercontent.com').describe('who vouches for the identity of a job'),
  root: z
    .string()
    .min(1)
    .describe(
      'file of the repository with the certificates and keys that count: trusted_root.json, as `gh attestation trusted-root` or cosign prints it',
    ),
  sha256: digestSchema
    .optional()
    .describe('digest of that file: who approves the policy approves these very bytes. With a log of decisions another root counts only so'),
  fulcio: url.optional().describe('where certificates come from; default: the public one'),
  rekor: url.optional().describe('transparency log; default: the public one, where the root has a log'),
  timestamps: url.optional().describe('time-stamp authority; default: none'),
}).describe('signatures of jobs by their identity at the forge, without a key');

const workflowSchema = z.string().regex(/^\.(?:github|gitea|forgejo)\/workflows\/[^/]+\.ya?ml$/, 'expected a path like .github/workflows/pr.yml');

/** Keys that a policy names: `trust.keys`, `audit.keys`. */
export const publicKeysSchema = z
  .array(
    fields({
      name: z.string().min(1).describe('what the key is called in messages'),
      public: z.string().min(1).describe('Ed25519: base64 of its 32 bytes, or PEM'),
    }),
  )
  .default([]);

/** `trust` of policy.yaml. */
export const trustPolicySchema = fields({
  repository: z
    .string()
    .regex(/^[\w.-]+\/[\w.-]+$/, 'expected owner/name')
    .describe('whose jobs are believed'),
  repositoryId: z.string().min(1).optional().describe('its number at the forge, which a repository that takes over its name does not have'),
  workflows: z.array(workflowSchema).min(1).describe('workflow files whose jobs are believed, as the main branch has or had them'),
  main: z
    .array(workflowSchema)
    .optional()
    .describe(
      'those of them that speak for the main branch; default: all, but no job that was started by hand or by a comment, which may be at work for a pull request',
    ),
  keys: publicKeysSchema.describe('public keys that sign run records; `plumb keys new` makes one'),
  sigstore: sigstoreSchema.optional(),
  commands: z
    .enum(['any', 'merged-head'])
    .default('any')
    .describe(
      'merged-head: what a command (`cmd`) of a pull request made is reused on the main branch only when it ran at the commit that was merged',
    ),
}).describe('whose signature on a run record of CI counts; without it, the main branch reuses nothing that a pull request ran');

export type TrustPolicy = z.infer<typeof trustPolicySchema>;
