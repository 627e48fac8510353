// What a forge says about one pull request, as far as a decision about it depends on it. Values only: who asks the forge stands below, who decides reads
// nothing else. What is not known is null or 'unknown', and never counts as "no".
import type { Role } from './access.ts';

export interface Person {
  readonly login: string;
  /** 'unknown': the account is gone, or the forge does not say */
  readonly kind: 'person' | 'bot' | 'unknown';
}

/** What a person may do here. */
export interface Standing {
  readonly role: Role | 'none' | 'unknown';
  /** team as the policy names it -> is this person an active member, of it or of a team below it? */
  readonly teams: Readonly<Record<string, 'yes' | 'no' | 'unknown'>>;
}

/** What somebody said of the pull request. One that was sent back to draft, or asked for, is no opinion. */
export interface Opinion {
  readonly id: string;
  readonly person: Person;
  readonly state: 'approved' | 'changes-requested' | 'commented' | 'dismissed';
  /** what the reviewer looked at; null: the forge no longer says */
  readonly commit: string | null;
  /** RFC 3339 */
  readonly at: string;
}

/** Something that moved the branch of the pull request. */
export interface Push {
  /** null: nobody's account, a deploy key */
  readonly person: Person | null;
  /** commit that the branch was at before; null: it was made */
  readonly before: string | null;
  readonly after: string;
  readonly at: string;
}

export interface PullFacts {
  readonly forge: 'github' | 'gitea';
  readonly number: number;
  readonly url: string;
  readonly title: string;
  /** null: the account is gone */
  readonly author: Person | null;
  readonly fork: boolean;
  readonly state: 'open' | 'closed' | 'merged';
  readonly baseRef: string;
  /** the commit of the base branch that it is judged against */
  readonly base: string;
  readonly head: string;
  readonly openedAt: string;
  /** null: not merged */
  readonly merged: { readonly at: string; readonly by: Person | null; readonly commit: string | null } | null;
  /** when it was last led to another base branch; null: never; 'unknown' */
  readonly retargetedAt: string | null;
  /** all paths that it changes, old names of renamed ones too; null: not known, or more than the forge lists */
  readonly files: readonly string[] | null;
  /** oldest first; null: not known */
  readonly opinions: readonly Opinion[] | null;
  /** oldest first; null: not known, or the forge keeps none */
  readonly pushes: readonly Push[] | null;
  /** who started the jobs that were at work when this pull request was opened or its content pushed; [] where none was; null: not known */
  readonly triggers: readonly Person[] | null;
  /** login, in lower case -> standing, of everybody named above on whom the decision may depend; whoever is left out is unknown */
  readonly standing: Readonly<Record<string, Standing>>;
  /** the paths that `subjects` are digests of, relative to the repository, sorted; null: not known */
  readonly subjectPaths: readonly string[] | null;
  /**
   * commit -> digest of what is decided about, as that commit has it (see `subjectAt`): of base and head, and of each commit of an opinion or a push on which
   * the decision may depend; null, or left out: not known
   */
  readonly subjects: Readonly<Record<string, string | null>>;
  /** text of CODEOWNERS of the base; null: there is none; undefined: not known */
  readonly codeowners: string | null | undefined;
  /** why something above is not known, for people: what the forge said when it was asked */
  readonly gaps: readonly string[];
}
