// Rows that wait for people. Without a subcommand it is the sitting itself.
import { define as add } from './review-add.ts';
import { define as adjudicate } from './review-adjudicate.ts';
import { define as agreement } from './review-agreement.ts';
import { define as apply } from './review-apply.ts';
import { define as commit } from './review-commit.ts';
import { define as exportTo } from './review-export.ts';
import { define as importFrom } from './review-import.ts';
import { define as list } from './review-list.ts';
import { define as show } from './review-show.ts';
import { define as sit } from './review-sit.ts';
import { define as status } from './review-status.ts';
import type { Define } from './command.ts';

const subcommands: readonly { readonly name: string; readonly summary: string; readonly define: Define }[] = [
  { name: 'sit', summary: 'decide about waiting rows, one at a time (what `plumb review` does)', define: sit },
  { name: 'status', summary: 'how much waits, is decided, is disputed, and who decided it', define: status },
  { name: 'list', summary: 'the decisions, by row', define: list },
  { name: 'show', summary: 'all that is known of one row', define: show },
  { name: 'add', summary: 'put rows into the queue: a sample, or what a check flagged', define: add },
  { name: 'agreement', summary: 'how far people agree: Cohen, Krippendorff, and where they do not', define: agreement },
  { name: 'adjudicate', summary: 'a third person decides what two disagree about', define: adjudicate },
  { name: 'commit', summary: 'one commit of the decisions, and of nothing else', define: commit },
  { name: 'apply', summary: 'edits, labels and rejects become rows of the working copy', define: apply },
  { name: 'export', summary: 'waiting rows for Argilla or Label Studio', define: exportTo },
  { name: 'import', summary: 'what was decided in Argilla or Label Studio', define: importFrom },
];

export const define: Define = (command, cli) => {
  command.configureOutput({ writeErr: (text) => cli.note(text), outputError: () => undefined });
  for (const { name, summary, define: defineOne } of subcommands)
    defineOne(command.command(name, { isDefault: name === 'sit' }).description(summary), cli);
};
