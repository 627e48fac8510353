// What a test gets; start.ts says how it is used.
import type { Events } from './events.ts';
import type { GitPlace, NewPull } from './git.ts';
import type { Pages } from './pages.ts';
import type { Pull, State } from './state.ts';

export interface GitHubOptions {
  /** of the job */
  readonly token: string;
  /** who it speaks for */
  readonly login?: string;
  readonly owner?: string;
  readonly repo?: string;
  readonly git?: boolean;
  /** that it may take; milliseconds */
  readonly now?: () => number;
}

export interface GitHubApi extends State, Pages {
  readonly url: string;
  readonly serverUrl: string;
  readonly git: GitPlace | null;
  readonly events: Events;
  openPull(what: NewPull): Pull;
  close(): Promise<void>;
}
