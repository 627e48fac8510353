// What a CI job does, a subcommand for each kind of job. All of them work without a forge: in any CI, and on a laptop that wants to see what a job sees.
import { define as checkPromotion } from './ci-check-promotion.ts';
import { define as explain } from './ci-explain.ts';
import { define as plan } from './ci-plan.ts';
import { define as publish } from './ci-publish.ts';
import { define as report } from './ci-report.ts';
import { define as run } from './ci-run.ts';
import { define as validate } from './ci-validate.ts';
import type { Define } from './command.ts';

interface Subcommand {
  readonly name: string;
  readonly summary: string;
  readonly define: Define;
}

/** In the order in which the jobs of a pull request go. Each is in a file of its own, ci-<name>.ts. */
const subcommands: readonly Subcommand[] = [
  { name: 'plan', summary: 'which stages have to run, as jobs in levels', define: plan },
  { name: 'validate', summary: 'what is wrong with configuration, lock, rows and rules', define: validate },
  { name: 'run', summary: 'run stages on a machine that is gone afterwards', define: run },
  { name: 'publish', summary: 'sign the runs that this job made, and send them to the remote', define: publish },
  { name: 'report', summary: 'what a branch changes, and what that does to the model', define: report },
  { name: 'check-promotion', summary: 'may a pull request move the pointers that it moves?', define: checkPromotion },
  { name: 'explain', summary: 'what the models say to one case', define: explain },
];

export const define: Define = (command, cli) => {
  // without a subcommand its help goes to stderr; what is wrong is told where all errors are
  command.configureOutput({ writeErr: (text) => cli.note(text), outputError: () => undefined });
  for (const { name, summary, define: defineOne } of subcommands) defineOne(command.command(name).description(summary), cli);
};
