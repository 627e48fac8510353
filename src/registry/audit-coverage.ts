// Is the log complete? Every change of a pointer, a revocation or policy.yaml on the main branch has a record: what was left out, or cut off at the end, is
// found by that, whoever signed the rest.
import { byCodeUnit } from '../base/canonical.ts';
import type { Git, Oid } from '../git/git.ts';
import { files } from '../project/layout.ts';
import type { LogRecord } from './audit-record.ts';
import { placeOf, pointerPath } from './pointer.ts';
import { revocationOf } from './revocation.ts';

/** A commit of the main branch that changed what decisions are about, and of which the log says nothing. */
export interface Unrecorded {
  readonly commit: Oid;
  readonly date: Date;
  /** pointers, revocations, policy.yaml; project-relative, sorted */
  readonly paths: readonly string[];
  /** gap: there are records about later commits; pending: it came after all that the log is about, or the log was cut off before it */
  readonly kind: 'gap' | 'pending';
}

/** Is this a file that decisions are about? @param path project-relative */
export function needsDecision(path: string): boolean {
  return path === files.policy || placeOf(path) !== null || revocationOf(path) !== null;
}

/**
 * The oldest first. What came before the commit of the first record is not asked: the log begins there.
 * @param prefix the project's folder in the repository: '' or 'sub/folder/'
 * @throws PlumbError GIT_TOO_SHALLOW
 */
export async function unrecorded(git: Git, prefix: string, main: Oid, records: readonly LogRecord[]): Promise<Unrecorded[]> {
  const line = new Map((await git.log(main, { firstParent: true })).toReversed().map(({ oid }, at) => [oid, at]));
  const told = rangesOf(records, line);
  const start = records[0] === undefined ? -1 : (line.get(records[0].decision.commit) ?? -1);
  const last = Math.max(start, ...(told.get('') ?? []).map(({ to }) => to));
  const found: Unrecorded[] = [];
  for (const change of await changesOf(git, prefix, main)) {
    const at = line.get(change.commit) ?? -1;
    if (at <= start) continue;
    const covers = ({ from, to }: Range): boolean => from < at && at <= to;
    const silent = change.paths.filter((path) => told.get(path)?.some(covers) !== true);
    const isTold = told.get('')?.some(covers) === true;
    // a revocation or a policy that was taken away leaves no file that its record could name
    const blobs = await git.readBlobs(
      change.commit,
      silent.map((path) => prefix + path),
    );
    const paths = silent.filter((path, place) => !isTold || placeOf(path) !== null || blobs[place] !== null);
    if (paths.length > 0) found.push({ ...change, paths, kind: at > last ? 'pending' : 'gap' });
  }
  return found.toSorted((a, b) => (line.get(a.commit) ?? 0) - (line.get(b.commit) ?? 0));
}

async function changesOf(git: Git, prefix: string, main: Oid): Promise<Omit<Unrecorded, 'kind'>[]> {
  const found = new Map<Oid, { commit: Oid; date: Date; paths: string[] }>();
  for (const folder of [files.models, files.policy]) {
    for (const { commit, paths } of await git.logChanges(main, { path: prefix + folder, firstParent: true })) {
      const entry = found.get(commit.oid) ?? { commit: commit.oid, date: commit.date, paths: [] };
      entry.paths.push(...paths.map((path) => path.slice(prefix.length)).filter(needsDecision));
      found.set(commit.oid, entry);
    }
  }
  return [...found.values()].filter(({ paths }) => paths.length > 0).map((entry) => ({ ...entry, paths: entry.paths.toSorted(byCodeUnit) }));
}

/** From after one commit of the main branch to another, by their places on its line. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** path -> stretches of the main branch in which a record tells what became of it; '': of all of which there is a record */
function rangesOf(records: readonly LogRecord[], line: ReadonlyMap<Oid, number>): Map<string, Range[]> {
  const told = new Map<string, Range[]>([['', []]]);
  for (const { decision, subject } of records) {
    const range = { from: decision.parent === null ? -1 : (line.get(decision.parent) ?? -1), to: line.get(decision.commit) ?? -1 };
    for (const path of new Set(['', ...subject.map(({ name }) => name), ...decision.moves.map(pointerPath)])) {
      const ranges = told.get(path) ?? [];
      ranges.push(range);
      told.set(path, ranges);
    }
  }
  return told;
}
