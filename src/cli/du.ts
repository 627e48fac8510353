import { formatBytes } from '../base/progress.ts';
import { openProject, type Project } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { Cli, Define } from './command.ts';
import { countOf } from './count-of.ts';

export const define: Define = (command, cli) => {
  command
    .option('--remote', 'of the remote instead of this machine: by packs')
    .addHelpText(
      'after',
      '\nOwn: what nobody else needs, and what a gc would free if it went. Shared: what others need, too; it is counted once, in a line of its own.' +
        '\nSizes are those of files: where the disk shares bytes (reflinks) or keeps whole blocks, it says something else.' +
        '\n\nExamples:\n  $ plumb du\n  $ plumb du --remote',
    )
    .action(async (options: { remote?: boolean }) => {
      const project = await openProject(cli);
      return options.remote === true ? tellRemote(project, cli) : tellLocal(project, cli);
    });
};

type Row = readonly [name: string, own: string, shared: string, note: string];

async function tellLocal(project: Project, cli: Cli): Promise<void> {
  const { measureCache } = await import('../upkeep/usage.ts');
  const usage = await measureCache(project, { now: cli.now(), signal: cli.signal });
  cli.emit(usage);
  const rows = usage.uses.map(({ kind, name, own, shared, current, versions }): Row => {
    const text = [...(current === null ? [] : [`${formatBytes(current)} now`]), ...(kind === 'dataset' ? [countOf(versions, 'version')] : [])];
    return [nameOf(kind, name), formatBytes(own), formatBytes(shared), text.join(', ')];
  });
  const rest = [
    ['shared by several', usage.shared],
    ['that nobody names', usage.unreferenced, 'plumb gc'],
    ['trash', usage.trash, 'plumb gc --yes empties it after a day'],
    ['set aside as bad', usage.bad, 'plumb gc --yes deletes it after a day, once it is here again or nobody names it'],
    ['overhead', usage.overhead, 'indexes of packs, names, what is kept about the remote'],
  ] as const;
  print([...rows, ...restRows(rest)], ['all', usage.disk, visible(project.store.cacheDir)], cli);
}

async function tellRemote(project: Project, cli: Cli): Promise<void> {
  const { measureRemote } = await import('../upkeep/remote-usage.ts');
  const usage = await measureRemote(project, { now: cli.now(), signal: cli.signal, progress: cli.progress });
  cli.emit(usage);
  const rows = usage.uses.map(({ kind, name, own, shared, versions }): Row => [
    nameOf(kind, name),
    formatBytes(own),
    formatBytes(shared),
    countOf(versions, 'version'),
  ]);
  const rest = [
    ['shared by several', usage.shared],
    ['taken back', usage.takenBack, 'plumb gc --remote lets go of it in a week'],
    ['that no receipt names', usage.unreferenced, 'of a push that did not end, or plumb gc --remote'],
    ['out of sight', usage.condemned, 'plumb gc --remote deletes it in a week'],
    ['overhead', usage.overhead, 'receipts and names'],
  ] as const;
  print([...rows, ...restRows(rest)], ['all', usage.total, visible(project.store.remoteUrl ?? '')], cli);
}

function restRows(rest: readonly (readonly [name: string, bytes: number, note?: string])[]): Row[] {
  return rest.filter(([, bytes]) => bytes > 0).map(([name, bytes, note = '']) => [name, formatBytes(bytes), '', note]);
}

const kinds: Readonly<Record<string, string>> = { dataset: 'data set ', model: 'model ', others: 'project ', repository: 'repository ' };

function nameOf(kind: string, name: string): string {
  return `${kinds[kind] ?? ''}${visible(name)}`;
}

function print(rows: readonly Row[], [name, bytes, place]: readonly [string, number, string], cli: Cli): void {
  const all: Row[] = [['', 'own', 'shared', ''], ...rows, [name, formatBytes(bytes), '', place]];
  const width = Math.max(...all.map(([label]) => label.length));
  for (const [label, own, shared, note] of all) {
    cli.print(`${label.padEnd(width)}  ${own.padStart(8)}  ${shared.padStart(8)}${note === '' ? '' : `  ${cli.paint.dim(note)}`}`.trimEnd());
  }
}
