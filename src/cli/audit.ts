// Questions of an auditor, a subcommand each. All of them are answered from a clone, without network.
import { define as at } from './audit-at.ts';
import { define as exportTo } from './audit-export.ts';
import { define as log } from './audit-log.ts';
import { define as rows } from './audit-rows.ts';
import { define as sample } from './audit-sample.ts';
import { define as verify } from './audit-verify.ts';
import type { Define } from './command.ts';

const subcommands: readonly { readonly name: string; readonly summary: string; readonly define: Define }[] = [
  { name: 'at', summary: 'what was in production then, why, approved by whom, on which evidence', define: at },
  { name: 'rows', summary: 'which rows trained a model', define: rows },
  { name: 'log', summary: 'every decision, the oldest first', define: log },
  { name: 'sample', summary: 'some decisions by lot, the same for whoever has the seed', define: sample },
  { name: 'export', summary: 'a folder with all of it, which verifies by itself', define: exportTo },
  { name: 'verify', summary: 'is the log, or an export of it, whole and unchanged?', define: verify },
];

export const define: Define = (command, cli) => {
  // without a subcommand its help goes to stderr; what is wrong is told where all errors are
  command.configureOutput({ writeErr: (text) => cli.note(text), outputError: () => undefined });
  for (const { name, summary, define: defineOne } of subcommands) defineOne(command.command(name).description(summary), cli);
};
