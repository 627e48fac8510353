// `/plumb run` in a comment on a pull request: what is asked for, and whether it is done. Whoever may comment writes these texts; values in, values
// out, and actions/command carries out.
//
// A command speaks of one commit: the one that its writer saw. That is the commit which our report on the pull request named when the comment was
// written, or the one that the command names in full. Otherwise a push in the seconds between reading and running would run what nobody has read.
import type { Permission, PullRequest } from '../forge/index.ts';
import { code } from '../report/markdown-text.ts';

/** What people write. A stage is a name of pipeline.yaml, a case an id of a suite. */
export type Command =
  | { readonly name: 'run'; readonly sha: string | null }
  | { readonly name: 'rerun'; readonly stages: readonly string[]; readonly sha: string | null }
  | { readonly name: 'explain'; readonly case: string; readonly sha: string | null }
  | { readonly name: 'approve'; readonly sha: string | null };

export type Parsed = { readonly command: Command } | { readonly mistake: string };

export interface Asked {
  readonly parsed: Parsed;
  readonly comment: { readonly author: string; readonly createdAt: Date; /** its text is not what was first written */ readonly edited: boolean };
  /** of the comment's author */
  readonly permission: Permission;
  readonly pull: Pick<PullRequest, 'number' | 'head' | 'fork' | 'state'>;
  /** the commit that our report names, and since when it says what it says; null: there is no report */
  readonly seen: { readonly head: string; readonly since: Date } | null;
}

export type Decision =
  | { readonly do: 'refuse'; readonly reaction: '-1' | 'confused'; readonly reply: string | null }
  | { readonly do: 'dispatch'; readonly workflow: 'pr.yml' | 'fork.yml'; readonly inputs: Readonly<Record<string, string>>; readonly reply: string }
  | { readonly do: 'explain'; readonly case: string; readonly head: string };

const mayCommand: readonly Permission[] = ['admin', 'maintain', 'write'];

/** What is said to a command that is none. */
export const usage =
  'I know `/plumb run`, `/plumb rerun <stage>`, `/plumb explain <case>` and `/plumb approve <commit>`; each takes a whole commit at its end.';

/**
 * The first line of a comment, when it begins with `/plumb`.
 * @returns null for any other comment
 */
export function parseCommand(body: string): Parsed | null {
  const line = (body.trimStart().split(/\r?\n/, 1)[0] ?? '').trimEnd();
  if (!/^\/plumb(\s|$)/.test(line)) return null;
  const words = line.split(/\s+/).slice(1);
  const [name = '', ...rest] = words;
  const { values, sha } = splitCommit(rest);
  if (name === 'run' && values.length === 0) return { command: { name, sha } };
  if (name === 'rerun' && values.length > 0 && values.length <= 20 && values.every(isStageName)) return { command: { name, stages: values, sha } };
  // ids of cases hold spaces where the text itself is the id: the rest of the line is one
  if (name === 'explain' && values.length > 0 && line.length <= 1000) return { command: { name, case: values.join(' '), sha } };
  if (name === 'approve' && values.length === 0) return { command: { name, sha } };
  return { mistake: usage };
}

/** A commit in full stands last. A short one is no commit: of seven digits, anybody makes a second one in a minute. */
function splitCommit(words: readonly string[]): { values: readonly string[]; sha: string | null } {
  const last = words.at(-1) ?? '';
  return /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(last) ? { values: words.slice(0, -1), sha: last } : { values: words, sha: null };
}

/** As in pipeline.yaml, and what foreach makes of it: the pipeline knows which ones there are. */
function isStageName(text: string): boolean {
  return /^[\p{L}\p{N}_][^\p{C}\p{Z}`]{0,199}$/u.test(text);
}

/** Never throws: every comment has an answer. */
export function decideCommand(asked: Asked): Decision {
  const { parsed, comment, permission, pull } = asked;
  // no words for those who may not: nobody shall make us write on somebody's pull request
  // an App may write, and say what somebody told it to: approvals are for people. No login of a person has a bracket
  if (!mayCommand.includes(permission) || comment.author.endsWith('[bot]')) return { do: 'refuse', reaction: '-1', reply: null };
  if (comment.edited) return refuse('That comment was edited after it was written: please write a new one.');
  if ('mistake' in parsed) return refuse(parsed.mistake);
  if (pull.state !== 'open') return refuse(`This pull request is ${pull.state}.`);
  const { command } = parsed;
  if (command.name === 'approve') return decideApproval(asked, command.sha);
  if (pull.fork) return refuse(`This pull request comes from a fork: read its code at ${pull.head}, then write \`/plumb approve ${pull.head}\`.`);
  const stale = whyStale(asked, command);
  if (stale !== null) return refuse(stale);
  if (command.name === 'explain') return { do: 'explain', case: command.case, head: pull.head };
  return {
    do: 'dispatch',
    workflow: 'pr.yml',
    inputs: { pull: String(pull.number), sha: pull.head, fork: 'false', force: command.name === 'rerun' ? command.stages.join(' ') : '' },
    reply:
      command.name === 'run'
        ? `Running ${pull.head} again.`
        : `Running ${command.stages.map((stage) => code(stage)).join(', ')} of ${pull.head} anew.`,
  };
}

function refuse(reply: string): Decision {
  return { do: 'refuse', reaction: 'confused', reply };
}

function decideApproval({ pull }: Asked, sha: string | null): Decision {
  const line = `\`/plumb approve ${pull.head}\``;
  if (!pull.fork) return refuse('This pull request comes from this repository: it needs no approval to run. `/plumb run` runs it again.');
  if (sha === null) return refuse(`An approval names the whole commit that you have read. Of this pull request it is now ${line}.`);
  if (sha !== pull.head) return refuse(`This pull request has moved to another commit than the one you name. Read that one, then write ${line}.`);
  return {
    do: 'dispatch',
    workflow: 'fork.yml',
    inputs: { pull: String(pull.number), sha, fork: 'true' },
    reply: `Running ${sha}, as approved. Its runs stay in a store of their own, which no other pull request and no branch reads.`,
  };
}

/** @returns why the command may be about another commit than the one that its writer saw; null: it is that one */
function whyStale({ pull, seen, comment }: Asked, command: Exclude<Command, { name: 'approve' }>): string | null {
  const again = code(`/plumb ${wordsOf(command)} ${pull.head}`, 1200);
  if (command.sha !== null) {
    return command.sha === pull.head ? null : `This pull request has moved to another commit than the one you name. If you mean that one: ${again}.`;
  }
  if (seen === null) return `There is no report here yet that says which commit you saw. Name it: ${again}.`;
  if (seen.head !== pull.head || seen.since > comment.createdAt) {
    return `This pull request has moved since the report that you saw. If you mean what is there now: ${again}.`;
  }
  return null;
}

function wordsOf(command: Exclude<Command, { name: 'approve' }>): string {
  if (command.name === 'run') return 'run';
  return command.name === 'rerun' ? `rerun ${command.stages.join(' ')}` : `explain ${command.case}`;
}
