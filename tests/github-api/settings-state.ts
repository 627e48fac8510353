// What a repository is set to, as the stand-in keeps it: the bodies of GitHub's answers where they are simple, less where they are mostly addresses.
import type { ApiRuleset } from './rule-state.ts';

/** A ruleset of the organisation that holds for the repository, too. */
export interface ApiParentRuleset extends ApiRuleset {
  readonly source: string;
}

export interface ApiEnvironment {
  readonly name: string;
  reviewers: readonly { readonly type: 'User' | 'Team'; readonly id: number }[];
  noSelfReview: boolean;
  waitMinutes: number;
  adminsBypass: boolean;
  branches: null | 'protected' | 'custom';
  policies: { readonly id: number; readonly name: string; readonly type: 'branch' | 'tag' }[];
  secrets: readonly string[];
}

export interface ApiSettings {
  visibility: 'public' | 'private' | 'internal';
  /** the owner is an organisation */
  organization: boolean;
  /** of the token that asks */
  permissions: { readonly admin: boolean; readonly push: boolean; readonly pull: boolean };
  parentRulesets: ApiParentRuleset[];
  /** what classic protection says beyond what `protections` has, as GitHub answers, by branch */
  protectionDetails: Record<string, Readonly<Record<string, unknown>>>;
  /** a plan that has neither rulesets nor protection for a private repository */
  freePlan: boolean;
  environments: ApiEnvironment[];
  secrets: string[];
  organizationSecrets: string[];
  actions: { enabled: boolean; allowed_actions: 'all' | 'local_only' | 'selected'; sha_pinning_required: boolean };
  workflowToken: { default_workflow_permissions: 'read' | 'write'; can_approve_pull_request_reviews: boolean };
  forkApproval: 'first_time_contributors_new_to_github' | 'first_time_contributors' | 'all_external_contributors';
  privateForks: {
    run_workflows_from_fork_pull_requests: boolean;
    send_write_tokens_to_workflows: boolean;
    send_secrets_and_variables: boolean;
    require_approval_for_fork_pr_workflows: boolean;
  };
  oidc: { use_default: boolean; include_claim_keys?: string[] };
  runners: string[];
  runnerGroups: { readonly id: number; readonly name: string; readonly allows_public_repositories: boolean }[];
  collaborators: { readonly login: string; readonly role: string; readonly outside?: boolean }[];
  keys: { readonly id: number; readonly title: string; readonly read_only: boolean }[];
  hooks: { readonly id: number; readonly url: string; readonly secret?: boolean; readonly insecure?: boolean }[];
  codeownersErrors: { readonly line: number; readonly kind: string }[];
}

/** As a repository is that somebody has just made. */
export function newSettings(): ApiSettings {
  return {
    visibility: 'private',
    organization: false,
    permissions: { admin: true, push: true, pull: true },
    parentRulesets: [],
    protectionDetails: {},
    freePlan: false,
    environments: [],
    secrets: [],
    organizationSecrets: [],
    actions: { enabled: true, allowed_actions: 'all', sha_pinning_required: false },
    workflowToken: { default_workflow_permissions: 'read', can_approve_pull_request_reviews: false },
    forkApproval: 'first_time_contributors',
    privateForks: {
      run_workflows_from_fork_pull_requests: false,
      send_write_tokens_to_workflows: false,
      send_secrets_and_variables: false,
      require_approval_for_fork_pr_workflows: false,
    },
    oidc: { use_default: true },
    runners: [],
    runnerGroups: [],
    collaborators: [],
    keys: [],
    hooks: [],
    codeownersErrors: [],
  };
}
