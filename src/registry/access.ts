// Who may do what: one table in policy.yaml, matched to what the forge says of a person. Read from the base branch, never from the branch that is judged.
import { fields, z } from '../base/schema.ts';

/** Roles of a repository on a forge, each with all that the ones before it may do. */
export const roles = ['read', 'triage', 'write', 'maintain', 'admin'] as const;
export type Role = (typeof roles)[number];

/** 'org/team', or 'team' of the organisation that owns the repository. */
const teamSchema = z.string().regex(/^(?:[\w.-]+\/)?[\w.-]+$/, 'expected a team, as ml or acme/ml');
const loginSchema = z.string().regex(/^[\w.-]+$/, 'expected a login of the forge, without @');

/** People: in one of the teams, or named, or with a role. All three empty: whoever may write to the repository. */
export const whoSchema = fields({
  teams: z.array(teamSchema).default([]).describe('teams of the forge, those below them too'),
  people: z.array(loginSchema).default([]).describe('logins'),
  role: z.enum(roles).optional().describe('whoever has this role in the repository, or a higher one'),
});
export type Who = z.infer<typeof whoSchema>;

/** `access:` of policy.yaml. */
export const accessSchema = fields({
  promote: whoSchema.prefault({}).describe('who may open a promotion, or start the workflow that does'),
  approve: whoSchema.prefault({}).describe('whose approvals may count at all; `approvals` of a stage narrows it'),
  waive: whoSchema.prefault({ role: 'admin' }).describe('whose approval a promotion needs whose gate does not hold (`plumb promote --force`)'),
  revoke: whoSchema.prefault({}).describe('who may take a model out for good'),
  break_glass: whoSchema.prefault({ role: 'admin' }).describe('who may have served what does not verify, with a reason'),
  policy: fields({ count: z.number().int().min(0).default(1).describe('how many people'), ...whoSchema.shape })
    .prefault({})
    .describe('whose approval a change of policy.yaml needs before the new policy judges'),
  machines: z
    .array(loginSchema)
    .default([])
    .describe('accounts of no person that the forge takes for people: whose token a workflow has; they count as bots'),
}).describe('who may do what');
export type Access = z.infer<typeof accessSchema>;
