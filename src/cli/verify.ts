import { join } from 'node:path';
import { shortDigest } from '../base/digest.ts';
import { files } from '../project/layout.ts';
import { describeUnfinished } from '../project/together.ts';
import type { Verification } from '../registry/verify.ts';
import type { Cli, Define } from './command.ts';

interface Options {
  readonly history?: true;
  readonly rev?: string;
  readonly bytes?: true;
}

export const define: Define = (command, cli) => {
  command
    .option('--history', 'every state of every pointer since the first commit of the branch, not only the last')
    .option('--rev <revision>', 'pointers and evidence of a commit instead of the work tree')
    .option('--bytes', 'also read the model files and look for the data; without it everything comes out of git, offline')
    .addHelpText(
      'after',
      '\nWorks in a bare clone, too; there HEAD is read.\n\nExamples:\n  $ plumb verify\n  $ plumb verify --history --rev origin/main',
    )
    .action(async (options: Options) => verifyCommand(options, cli));
};

async function verifyCommand(options: Options, cli: Cli): Promise<void> {
  const [{ openPlace }, { verifyPointers }] = await Promise.all([import('../serve/place.ts'), import('../registry/verify.ts')]);
  const { git, prefix, root, store } = await openPlace(cli, options.rev);
  const result = await verifyPointers({
    git,
    prefix,
    root: root ?? git.gitDir,
    // a bare clone has no work tree to look at
    revision: options.rev ?? (root === null ? 'HEAD' : null),
    history: options.history === true,
    store: options.bytes === true ? store : null,
  });
  const unfinished = root === null || options.rev !== undefined ? null : describeUnfinished(join(root, files.local));
  cli.emit({ holds: result.findings.length === 0, ...result, unfinished });
  cli.print(describe(result, cli));
  if (unfinished !== null) cli.note(cli.paint.yellow(`! ${unfinished.what}\n  Mend: ${unfinished.mend}`));
  if (result.findings.length > 0) cli.exitCode = 1;
}

function describe(result: Verification, cli: Cli): string {
  const { paint } = cli;
  const pointers = result.pointers.map(({ model, stage, artifact, holds }) => {
    const what = `${model} ${stage}  ${artifact === null ? 'no valid pointer' : shortDigest(artifact)}`;
    return holds ? `${paint.green('holds')}  ${what}` : `${paint.red('FAULT')}  ${what}`;
  });
  const findings = result.findings.map(({ commit, what, mend }) => {
    const place = commit === null ? '' : `commit ${commit.slice(0, 12)}: `;
    return `${paint.red('-')} ${place}${what}\n  ${paint.dim(`Mend: ${mend}`)}`;
  });
  const looked = [
    `${result.evidenceFiles} evidence files`,
    ...(result.commits === 0 ? [] : [`${result.commits} commits`]),
    ...(result.objects === 0 ? [] : [`${result.objects} objects of the store`]),
  ].join(', ');
  const none = pointers.length === 0 ? ['no pointers here: `plumb promote` makes the first'] : [];
  const summary = findings.length === 0 ? `all holds (${looked})` : `${findings.length} ${findings.length === 1 ? 'fault' : 'faults'} (${looked})`;
  return [...pointers, ...none, ...(findings.length === 0 ? [] : ['', ...findings, '']), summary].join('\n');
}
