// What a forge is set to, as values: who may write where, under which rules, with which secrets. Nothing is judged here (src/ci/doctor.ts does).
// null stands for what the token may not read, and `unread` says what it lacks: it is never taken for "nothing there".

/** One that a rule does not hold for. */
export interface Bypass {
  /** as people would call it: 'administrators of the organisation', 'team 7', 'app 15368' */
  readonly who: string;
  /**
   * always: pushes too. pull_request: merges its pull requests against the rule. exempt: the rule is not even looked at, and no record says that it
   * was passed by.
   */
  readonly mode: 'always' | 'pull_request' | 'exempt';
  /** pull: only the rule that a change comes by pull request and is approved */
  readonly of: 'all' | 'pull';
}

export interface PullRule {
  readonly approvals: number;
  /** an owner of each changed file must approve */
  readonly codeowners: boolean;
  /** a push takes away approvals that came before */
  readonly dismissesStale: boolean;
  /** somebody else than the last pusher must approve after the last push */
  readonly lastPush: boolean;
}

export interface RequiredCheck {
  readonly context: string;
  /** number of the app that alone may set it; null: whoever may write statuses */
  readonly app: number | null;
}

/** One layer of rules for a branch; layers add up. */
export interface Guard {
  readonly kind: 'ruleset' | 'protection';
  readonly name: string;
  /** of a ruleset of this repository, by which it is changed; null: it is set elsewhere, or has none */
  readonly id: number | null;
  /** where it is set: 'acme/intents', or 'acme' */
  readonly source: string;
  readonly page: string;
  /** evaluate: it only reports what it would refuse */
  readonly enforcement: 'active' | 'evaluate' | 'disabled';
  /** null: hidden from this token */
  readonly bypass: readonly Bypass[] | null;
  /** null: a push is enough */
  readonly pull: PullRule | null;
  readonly checks: readonly RequiredCheck[];
  /** no force push */
  readonly keepsHistory: boolean;
  /** no deletion of the branch */
  readonly keepsBranch: boolean;
}

export interface EnvironmentSettings {
  readonly name: string;
  /** what may deploy to it, and so read its secrets. null: any branch; protected: each protected branch */
  readonly branches: 'protected' | readonly { readonly id: number | null; readonly pattern: string; readonly tag: boolean }[] | null;
  readonly reviewers: readonly { readonly type: 'User' | 'Team'; readonly id: number; readonly name: string }[];
  /** who started a deployment cannot let it through */
  readonly noSelfReview: boolean;
  readonly waitMinutes: number;
  /** administrators may pass by reviewers and waiting; null: not told */
  readonly adminsBypass: boolean | null;
  /** names; null: not told */
  readonly secrets: readonly string[] | null;
  readonly page: string;
}

export interface ActionsSettings {
  readonly enabled: boolean;
  readonly allowed: 'all' | 'local_only' | 'selected' | null;
  /** only actions that are named by a whole commit run */
  readonly pinned: boolean | null;
  /** what the token of a job may where its workflow does not say; null: not told */
  readonly token: 'read' | 'write' | null;
  readonly approvesPulls: boolean | null;
  /** whose pull requests from a fork wait for a person; null: not told, or no question here */
  readonly forkApproval: 'new-accounts' | 'first-time' | 'everyone' | null;
  /** of a private repository: what its forks get; null: not told, or no question here */
  readonly forks: { readonly run: boolean; readonly writeToken: boolean; readonly secrets: boolean; readonly approval: boolean } | null;
}

export interface RunnerSettings {
  /** of this repository, or that its organisation lends it */
  readonly names: readonly string[];
  /** groups of the organisation that take jobs of this repository and say that public ones may */
  readonly openGroups: readonly { readonly id: number; readonly name: string; readonly page: string }[];
}

export interface Unread {
  /** 'secrets of the repository' */
  readonly what: string;
  /** the permission that it takes, in the forge's words */
  readonly needs: string;
  /** what the forge answered */
  readonly said: string;
}

export interface ForgeSettings {
  readonly forge: 'github' | 'gitea';
  /** owner/name */
  readonly repository: string;
  readonly page: string;
  readonly visibility: 'public' | 'private' | 'internal';
  /** null: it belongs to a person */
  readonly organization: string | null;
  readonly main: string;
  /** of the token that asks */
  readonly token: { readonly push: boolean; readonly administer: boolean };
  readonly merges: { readonly methods: readonly string[]; readonly auto: boolean };
  /** layers of rules of main and of the branch of the log, those not enforced too; null: not told */
  readonly guards: { readonly main: readonly Guard[] | null; readonly audit: readonly Guard[] | null };
  readonly environments: readonly EnvironmentSettings[] | null;
  /** names that any job of any branch can read */
  readonly secrets: readonly string[] | null;
  readonly actions: ActionsSettings | null;
  readonly runners: RunnerSettings | null;
  /** path null: there is none */
  readonly codeowners: { readonly path: string | null; readonly text: string; readonly errors: readonly string[] | null } | null;
  /** people and teams are those with the right to write, or more */
  readonly writers: {
    readonly people: readonly { readonly login: string; readonly role: string; readonly outside: boolean }[] | null;
    readonly keys: readonly { readonly id: number; readonly title: string }[] | null;
  };
  /** files of the main branch that the forge runs */
  readonly workflows: readonly { readonly path: string; readonly text: string }[] | null;
  readonly hooks: readonly { readonly id: number; readonly host: string; readonly secret: boolean | null; readonly tls: boolean }[] | null;
  /** what names a job in its OIDC token; null in claims: the forge's default. null: not told, or the forge has none */
  readonly oidc: { readonly claims: readonly string[] | null } | null;
  readonly unread: readonly Unread[];
}

/** A request that changes a setting. */
export interface SettingChange {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** below the address of the interface, encoded: '/repos/o/r/rulesets' */
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>> | null;
  /** what it changes, in words */
  readonly before: string;
  readonly after: string;
}

export interface SettingsWish {
  /** name of the branch that holds the log of decisions */
  readonly auditBranch: string;
}

/** The settings of one repository. Every method throws PlumbError FORGE_FAILED, FORGE_DENIED or FORGE_BUSY. */
export interface SettingsPort {
  readonly requests: number;
  /** The default branch's policy, and nothing of a pull request; null: no such file. @param path relative to the top of the repository */
  readFile(path: string): Promise<string | null>;
  /** What the token may not read is null in it and no error, but for the repository itself. */
  read(wish: SettingsWish): Promise<ForgeSettings>;
  change(change: SettingChange): Promise<void>;
}
