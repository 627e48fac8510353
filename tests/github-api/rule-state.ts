// What the rules of branches are, as the stand-in keeps them.

/** One as GitHub shows it: docs.github.com/en/rest/repos/rules */
export interface ApiRuleset {
  readonly id: number;
  readonly name: string;
  readonly target: 'branch';
  readonly enforcement: 'active' | 'evaluate' | 'disabled';
  /** '~DEFAULT_BRANCH', '~ALL', or 'refs/heads/' with a name or '**' */
  readonly conditions: { readonly ref_name: { readonly include: readonly string[]; readonly exclude: readonly string[] } };
  readonly rules: readonly { readonly type: string; readonly parameters?: Readonly<Record<string, unknown>> }[];
  readonly bypass_actors: readonly {
    readonly actor_id: number | null;
    readonly actor_type: 'Integration' | 'RepositoryRole' | 'OrganizationAdmin' | 'Team' | 'DeployKey';
    readonly bypass_mode: 'always' | 'pull_request' | 'exempt';
  }[];
}

/** The classic rules of a branch, as a PUT writes them: docs.github.com/en/rest/branches/branch-protection */
export interface ApiProtection {
  readonly required_status_checks: {
    readonly strict: boolean;
    readonly checks: readonly { readonly context: string; readonly app_id?: number }[];
  } | null;
  readonly required_pull_request_reviews: {
    readonly required_approving_review_count: number;
    readonly dismiss_stale_reviews?: boolean;
    readonly require_last_push_approval?: boolean;
  } | null;
  /** without it an administrator's merge is not looked at */
  readonly enforce_admins: boolean;
}
