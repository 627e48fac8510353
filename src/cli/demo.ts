import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PlumbError, systemError } from '../base/errors.ts';
import { formatSeconds } from '../base/progress.ts';
import { DemoStage, quote } from '../demo/stage.ts';
import { tellStory } from '../demo/story.ts';
import type { Cli, Define } from './command.ts';
import { plumbProgram } from './plumb-program.ts';

export const define: Define = (command, cli) => {
  command
    .option('--keep <folder>', 'play in this folder, new or empty (default: a new one, whose path is printed); it stays either way')
    .addHelpText(
      'after',
      '\nMakes a git repository, trains, promotes, serves on 127.0.0.1, breaks and repairs: about two minutes, no network.\n\nExample:\n  $ plumb demo --keep ~/plumb-demo',
    )
    .action(async (options: { keep?: string }) => demo(options.keep, cli));
};

async function demo(keep: string | undefined, cli: Cli): Promise<void> {
  const folder = keep === undefined ? await mkdtemp(join(tmpdir(), 'plumb-demo-')) : await emptyFolder(resolve(cli.cwd, keep));
  const started = performance.now();
  const shellFunction = `plumb() { ${plumbProgram.map(quote).join(' ')} "$@"; }`;
  cli.print(
    `The demo plays in ${cli.paint.bold(folder)}\nTo repeat its commands there, let your shell know this plumb:\n  cd ${quote(folder)}\n  ${shellFunction}`,
  );
  const stage = new DemoStage({
    folder,
    plumb: plumbProgram,
    env: demoEnvironment(cli.env),
    paint: cli.paint,
    signal: cli.signal,
    print: (text) => cli.print(text),
  });
  try {
    const end = await tellStory({ stage, signal: cli.signal, print: (text) => cli.print(text) });
    const seconds = (performance.now() - started) / 1000;
    cli.emit({
      folder,
      seconds,
      commands: stage.played.map(({ command, exit, seconds: took }) => ({ command, exit, seconds: took })),
      swaps: end.swaps,
      report: join(folder, end.report),
    });
    conclude(stage, end, { folder, seconds }, cli);
  } finally {
    await stage.close();
  }
}

function conclude(stage: DemoStage, end: Awaited<ReturnType<typeof tellStory>>, run: { folder: string; seconds: number }, cli: Cli): void {
  const { paint } = cli;
  const slowest = stage.played.toSorted((a, b) => b.seconds - a.seconds).slice(0, 3);
  const revert = end.swaps.at(-1);
  const lost = end.swaps.reduce((sum, swap) => sum + swap.lost, 0);
  cli.print(`\n${paint.bold('5. The end')}`);
  cli.print(`  all of it           ${formatSeconds(run.seconds)}, ${stage.played.length} commands`);
  cli.print(`  from git revert to the old model answering   ${formatSeconds(revert?.afterStart ?? 0)}`);
  cli.print(`  requests lost in three swaps   ${lost} of ${end.swaps.reduce((sum, swap) => sum + swap.requests, 0)}`);
  cli.print(`  the longest         ${slowest.map((played) => `${played.command.slice(0, 40)} ${formatSeconds(played.seconds)}`).join('; ')}`);
  cli.print(`\nThe report: ${paint.bold(join(run.folder, end.report))}`);
  cli.print(`\nmain still has the swapped labels, as after a real night: the model was taken back, the rows wait for the morning.`);
  cli.print(`\nThree things to try next, in ${run.folder}:`);
  cli.print('  plumb run --set train.quantize=int8              the same model in a third of its size');
  cli.print('  plumb runs compare train~1 train                 what the two runs differ in');
  cli.print('  plumb serve                                      then open http://127.0.0.1:8080 and ask it something');
}

/** Commits need a name: the reader's own where git knows it, else one that says what it is. Nothing of the reader's other git settings is in the way. */
function demoEnvironment(env: Cli['env']): Record<string, string | undefined> {
  return {
    ...env,
    GIT_AUTHOR_NAME: env['GIT_AUTHOR_NAME'] ?? 'Demo',
    GIT_AUTHOR_EMAIL: env['GIT_AUTHOR_EMAIL'] ?? 'demo@plumbline.invalid',
    GIT_COMMITTER_NAME: env['GIT_COMMITTER_NAME'] ?? 'Demo',
    GIT_COMMITTER_EMAIL: env['GIT_COMMITTER_EMAIL'] ?? 'demo@plumbline.invalid',
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: 'commit.gpgsign',
    GIT_CONFIG_VALUE_0: 'false',
    GIT_CONFIG_KEY_1: 'core.hooksPath',
    GIT_CONFIG_VALUE_1: '/dev/null',
    GIT_DIR: undefined,
    GIT_WORK_TREE: undefined,
    GIT_INDEX_FILE: undefined,
    PLUMB_CACHE: undefined,
    NO_COLOR: '1',
  };
}

async function emptyFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true });
    if ((await readdir(folder)).length === 0) return folder;
  } catch (error) {
    throw systemError(error, 'make', folder);
  }
  throw new PlumbError('USAGE', { what: `${folder} is not empty`, where: { file: folder }, mend: 'name a folder that is new or empty' });
}
