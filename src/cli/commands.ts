// The list of commands, in the order of a day's work. Nothing heavy is imported here: --help answers from this table alone.
import type { Define } from './command.ts';

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly hidden?: boolean;
  /** what 0 and 1 mean of it; default: done, and the answer is no */
  readonly exits?: string;
  load(): Promise<{ define: Define }>;
}

export const commands: readonly CommandEntry[] = [
  { name: 'demo', summary: "the product's day in three minutes, in a repository of its own", load: () => import('./demo.ts') },
  { name: 'init', summary: 'make this repository a Plumbline project', load: () => import('./init.ts') },
  { name: 'add', summary: 'lock a data set: hash it, store it, write datasets.lock', load: () => import('./add.ts') },
  {
    name: 'status',
    summary: 'what differs from datasets.lock, what is not pushed',
    exits: '0 done, 1 with --check: something differs',
    load: () => import('./status.ts'),
  },
  {
    name: 'diff',
    summary: 'which rows changed, between working copy and revisions',
    exits: '0 done, 1 with --check: something differs',
    load: () => import('./diff.ts'),
  },
  {
    name: 'leakage',
    summary: 'evaluation rows that training rows give away',
    exits: '0 nothing of severity error was found, 1 something was',
    load: () => import('./leakage.ts'),
  },
  {
    name: 'dups',
    summary: 'rows that say the same, exactly or nearly; same text, two labels',
    exits: '0 nothing of severity error was found, 1 something was',
    load: () => import('./dups.ts'),
  },
  {
    name: 'validate',
    summary: 'judge rows by rules: which rows break which rule',
    exits: '0 the rules hold, 1 rows break one of severity error',
    load: () => import('./validate.ts'),
  },
  { name: 'profile', summary: 'what the columns of a data set hold', exits: '0 done', load: () => import('./profile.ts') },
  {
    name: 'rules',
    summary: 'a first rules file from data, or from the rules of another tool',
    exits: '0 done, 1 some of the rules of another tool have no equal here',
    load: () => import('./rules.ts'),
  },
  {
    name: 'secrets',
    summary: 'find keys, tokens and passwords in rows and files',
    exits: '0 none, 1 some',
    load: () => import('./secrets.ts'),
  },
  {
    name: 'code',
    summary: 'judge rows of code and of conversations: syntax, docs, licences, repetition',
    exits: '0 nothing of severity error, 1 something',
    load: () => import('./code.ts'),
  },
  {
    name: 'pii',
    summary: 'which rows hold personal data, and of which kind',
    exits: '0 nothing that is flagged, 1 something is',
    load: () => import('./pii.ts'),
  },
  {
    name: 'drift',
    summary: 'which columns differ from an earlier version, by effect size and test',
    exits: '0 nothing drifted, 1 something did',
    load: () => import('./drift.ts'),
  },
  {
    name: 'merge',
    summary: 'put rows and files of two branches together, where git merges datasets.lock',
    exits: '0 merged, 1 both sides changed the same row or file in different ways',
    load: () => import('./merge.ts'),
  },
  { name: 'checkout', summary: 'bring the data of this or another revision into the work tree', load: () => import('./checkout.ts') },
  { name: 'push', summary: 'send data, models and run records to the remote', load: () => import('./push.ts') },
  { name: 'fetch', summary: 'bring bytes from the remote into the cache', load: () => import('./fetch.ts') },
  { name: 'pull', summary: 'fetch, then checkout', load: () => import('./pull.ts') },
  { name: 'run', summary: 'run the stages whose inputs changed', exits: '0 all stages ended well', load: () => import('./run.ts') },
  { name: 'runs', summary: 'list, show and compare runs', load: () => import('./runs.ts') },
  { name: 'eval', summary: 'evaluate a model on a suite', load: () => import('./eval.ts') },
  { name: 'report', summary: 'what changed and what it did to the model', load: () => import('./report.ts') },
  { name: 'gate', summary: 'does the gate of policy.yaml hold?', exits: '0 the gate holds, 1 it does not', load: () => import('./gate.ts') },
  {
    name: 'review',
    summary: 'rows that wait for people: accept, edit, reject, label; alone, in twos, on a page',
    exits: '0 done',
    load: () => import('./review.ts'),
  },
  {
    name: 'provenance',
    summary: 'where rows came from: record it, look at it, check that it is enough',
    exits: '0 done, 1 rows lack what is required, or there is no such row',
    load: () => import('./provenance.ts'),
  },
  { name: 'trace', summary: 'a row from its source to the models that it trained', exits: '0 done', load: () => import('./trace.ts') },
  {
    name: 'promote',
    summary: 'move a pointer: put a model into staging or production',
    exits: '0 promoted, 1 refused by the gate or the policy',
    load: () => import('./promote.ts'),
  },
  {
    name: 'verify',
    summary: 'check every digest of every pointer, offline',
    exits: '0 all holds, 1 something does not',
    load: () => import('./verify.ts'),
  },
  {
    name: 'card',
    summary: 'write the card of a data set: what it holds, where it came from, which checks held',
    exits: '0 written, or current, 1 with --check: it is not current',
    load: () => import('./card.ts'),
  },
  { name: 'history', summary: 'what was in production when, why, and by whom', load: () => import('./history.ts') },
  {
    name: 'audit',
    summary: 'the log of decisions: what was served when, why, approved by whom',
    exits: '0 done, or all holds, 1 something does not',
    load: () => import('./audit.ts'),
  },
  { name: 'revoke', summary: 'take a model out for good: never served, never promoted again', load: () => import('./revoke.ts') },
  { name: 'rollback', summary: 'the git revert that brings the previous model back', load: () => import('./rollback.ts') },
  {
    name: 'drill',
    summary: 'rehearse a rollback, timed, in a scratch clone',
    exits: '0 the way back holds, 1 it does not',
    load: () => import('./drill.ts'),
  },
  {
    name: 'forget',
    summary: 'what would have to go for a document or a person, and a branch without it',
    exits: '0 done, 1 no row is meant',
    load: () => import('./forget.ts'),
  },
  {
    name: 'gc',
    summary: 'let go of data that nobody names any more, here or in the remote',
    exits: '0 done, or the plan',
    load: () => import('./gc.ts'),
  },
  { name: 'du', summary: 'who uses how much of the cache, or of the remote', exits: '0 done', load: () => import('./du.ts') },
  {
    name: 'fsck',
    summary: 'read and hash all that is stored, here or in the remote, and repair it',
    exits: '0 all is good, or repaired, 1 something is not',
    load: () => import('./fsck.ts'),
  },
  {
    name: 'reconcile',
    summary: 'judge what the main branch did, record it: from then on it is served',
    exits: '0 all that the main branch has is served, 1 something of it is refused',
    load: () => import('./reconcile.ts'),
  },
  {
    name: 'serve',
    summary: 'serve the models that the pointers name, following git',
    exits: '0 stopped in order, 1 with --once: it cannot be served',
    load: () => import('./serve.ts'),
  },
  { name: 'predict', summary: 'run a model over a text or a file', load: () => import('./predict.ts') },
  {
    name: 'doctor',
    summary: "check this machine and this repository, or the forge's settings",
    exits: '0 nothing failed (warnings may stand there), 1 something failed, or a gap is open (--forge)',
    load: () => import('./doctor.ts'),
  },
  {
    name: 'ci',
    summary: 'what the jobs of a CI do: plan, validate and more',
    exits: '0 done, 1 the gate, the check or the validation does not hold',
    load: () => import('./ci.ts'),
  },
  {
    name: 'keys',
    summary: 'make a key pair: for the run records of CI, or for the log of decisions',
    exits: '0 done',
    load: () => import('./keys.ts'),
  },
  { name: 'step', summary: 'run one built-in step (the pipeline calls this)', hidden: true, load: () => import('./step.ts') },
];

/** The end of a command's help. */
export function exitText({ exits = '0 done, 1 the answer is no' }: CommandEntry): string {
  return `\nExit codes: ${exits};\n  2 usage, 3 bad input, 4 bytes missing or damaged, 5 a stage failed, 6 this machine, 7 busy: docs/reference/errors.md.\nFor all commands: --json, -q, -C <folder> (plumb --help).`;
}
