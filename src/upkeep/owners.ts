// Who needs what: data sets, models, runs, other projects. For du, which says what each of them takes.
import type { Digest } from '../base/digest.ts';
import { loadLock } from '../datasets/lock.ts';
import { isPlumbError } from '../base/errors.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import { collectLive, type Live } from './live.ts';
import { liveOfNeighbours } from './neighbours.ts';
import { readRetention } from './retention.ts';

export interface Owner {
  readonly kind: 'dataset' | 'model' | 'runs' | 'others' | 'unknown';
  /** of the data set, of the model; else in words */
  readonly name: string;
  readonly roots: ReadonlySet<Digest>;
  /** manifests among them; of others than data sets: all */
  readonly versions: number;
  /** the version that the work tree has */
  readonly current: Digest | null;
}

/**
 * Everything that lives, by who needs it. A version of a data set is the data set's, though models were made from it.
 * @throws PlumbError as collectLive and liveOfNeighbours
 */
export async function collectOwners(project: Project, now: Date): Promise<Owner[]> {
  const named = new Named();
  const how = { shallow: 'keep', now } as const;
  const retention = await readRetention(project);
  const onFile = (path: string, text: string): void => named.file(path, text);
  const live = await collectLive(project, { ...how, workspaceOnly: false, retention, onFile });
  const current = await currentVersions(project);
  return ownersOf(named, { live, current, neighbours: await liveOfNeighbours(project, how) });
}

/** Digests by data set and by model, as the files of all revisions name them. */
class Named {
  readonly datasets = new Map<string, Set<Digest>>();
  readonly models = new Map<string, Set<Digest>>();
  /** manifests of data sets */
  readonly versions = new Set<Digest>();

  file(path: string, text: string): void {
    if (path === files.lock) {
      for (const [, key, digest, name] of text.matchAll(/^ +(\w+): (sha256:[0-9a-f]{64}) +# (.+)$/gm)) {
        addTo(this.datasets, utf8(name ?? ''), digest as Digest);
        if (key === 'digest') this.versions.add(digest as Digest);
      }
      return;
    }
    const [, model] = /^models\/([^/]+)\//.exec(path) ?? [];
    if (model === undefined) return;
    for (const [digest] of text.matchAll(/sha256:[0-9a-f]{64}/g)) addTo(this.models, model, digest as Digest);
    const [, record] = /\/([0-9a-f]{64})\.json$/.exec(path) ?? [];
    if (record !== undefined) addTo(this.models, model, `sha256:${record}`);
  }
}

/** Files are searched byte by byte; a name may be more than ASCII. */
function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}

function addTo(sets: Map<string, Set<Digest>>, name: string, digest: Digest): void {
  const known = sets.get(name);
  if (known === undefined) sets.set(name, new Set([digest]));
  else known.add(digest);
}

async function currentVersions(project: Project): Promise<Map<string, Digest>> {
  try {
    const { datasets } = await loadLock(project);
    return new Map(Object.entries(datasets).map(([name, { digest }]) => [name, digest]));
  } catch (error) {
    // in the middle of a merge no version is the current one
    if (isPlumbError(error)) return new Map();
    throw error;
  }
}

function ownersOf(
  { datasets, models, versions }: Named,
  { live, current, neighbours }: { live: Live; current: ReadonlyMap<string, Digest>; neighbours: Live | ReadonlyMap<Digest, string> },
): Owner[] {
  const left = new Map(live);
  const owners: Owner[] = [];
  const take = (kind: Owner['kind'], name: string, digests: Iterable<Digest>): void => {
    const roots = new Set([...digests].filter((digest) => left.has(digest)));
    const count = kind === 'dataset' ? [...roots].filter((root) => versions.has(root)).length : roots.size;
    if (roots.size > 0) owners.push({ kind, name, roots, versions: count, current: kind === 'dataset' ? (current.get(name) ?? null) : null });
  };
  for (const [name, digests] of sorted(datasets)) take('dataset', name, digests);
  for (const digests of datasets.values()) for (const digest of digests) left.delete(digest);
  for (const [name, digests] of sorted(models)) take('model', name, digests);
  for (const digests of models.values()) for (const digest of digests) left.delete(digest);
  take(
    'runs',
    'runs',
    [...left].filter(([, why]) => why.startsWith('run of ')).map(([digest]) => digest),
  );
  for (const { roots } of owners) for (const digest of roots) left.delete(digest);
  // named by a text that says nothing of whose it is: the content of a data set, a lock in the middle of a merge
  take('unknown', 'named by git otherwise', left.keys());
  const others = new Map<string, Set<Digest>>();
  for (const [digest, why] of neighbours) addTo(others, why.slice(why.lastIndexOf(', in ') + 5), digest);
  for (const [root, digests] of sorted(others)) owners.push({ kind: 'others', name: root, roots: digests, versions: digests.size, current: null });
  return owners;
}

function sorted(sets: ReadonlyMap<string, Set<Digest>>): [string, Set<Digest>][] {
  return [...sets].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
