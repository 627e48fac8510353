// Does a change touch anything that a model comes out of or is judged by? A change of the README starts no job and gets no comment.
import type { BoundStage } from '../pipeline/graph.ts';
import { files } from '../project/layout.ts';

export interface Relevance {
  readonly relevant: boolean;
  /** what makes it so, a sentence each, at most a few; of an irrelevant change: none */
  readonly why: readonly string[];
}

const mostReasons = 20;

/** What every project has, whatever its stages read. */
const always: Readonly<Record<string, string>> = {
  [files.config]: 'the settings of the project changed',
  [files.lock]: 'data sets changed',
  [files.pipeline]: 'the pipeline changed',
  [files.params]: 'hyperparameters changed',
  [files.policy]: 'the policy changed',
};

/**
 * @param changed paths that differ, relative to the repository, both names of a renamed file
 * @param project prefix: its folder in the repository, '' or 'sub/folder/'; reads: files and folders that its stages read, data sets too, relative to it
 */
export function decideRelevance(
  changed: readonly string[],
  project: { readonly prefix: string; readonly reads: ReadonlyMap<string, string> },
): Relevance {
  const { prefix, reads } = project;
  const why = changed.flatMap((path) => (path.startsWith(prefix) ? (reasonFor(path.slice(prefix.length), reads) ?? []) : []));
  const all = [...new Set(why)];
  const rest = all.length > mostReasons ? [`and ${all.length - mostReasons} more`] : [];
  return { relevant: all.length > 0, why: [...all.slice(0, mostReasons), ...rest] };
}

function reasonFor(path: string, reads: ReadonlyMap<string, string>): string | null {
  if (Object.hasOwn(always, path)) return always[path] ?? null;
  if (path.startsWith(`${files.models}/`)) return `${path} changed, which says what is promoted`;
  for (let place = path; place !== ''; place = place.slice(0, Math.max(0, place.lastIndexOf('/')))) {
    const reader = reads.get(place);
    if (reader !== undefined) return `${path} changed, which ${reader} reads`;
  }
  return null;
}

/**
 * What the stages of a pipeline read of a repository: path -> who reads it.
 * @param lockfiles files that go into the fingerprint of every command
 * @param data data set -> its path
 */
export function readsOf(stages: Iterable<BoundStage>, lockfiles: readonly string[], data: ReadonlyMap<string, string>): Map<string, string> {
  const reads = new Map<string, string>();
  const note = (path: string, reader: string): void => void (reads.has(path) ? undefined : reads.set(path, reader));
  for (const { spec, inputs } of stages) {
    for (const input of Object.values(inputs)) if (input.kind === 'file') note(input.ref, `stage "${spec.name}"`);
    if (spec.action.kind === 'cmd') for (const path of lockfiles) note(path, `every command`);
  }
  for (const [name, path] of data) note(path, `data set "${name}"`);
  return reads;
}
