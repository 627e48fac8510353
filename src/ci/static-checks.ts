// All that can be said of a commit without running any of its code and without a GPU: configuration, lock, manifests, rows, rules. What the branch holds
// is read as data. Every fault is told, not only the first.
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { readTextFile } from '../base/config.ts';
import { isPlumbError } from '../base/errors.ts';
import type { StepRegistry } from '../base/step.ts';
import { loadLockAt } from '../datasets/lock.ts';
import { refuseWayOut } from '../datasets/paths.ts';
import type { Lock } from '../datasets/schema.ts';
import type { Oid } from '../git/git.ts';
import type { Project } from '../project/open.ts';
import { workTree } from '../registry/tree.ts';
import { checkConfig, type ConfigFiles, type Judging } from './config-checks.ts';
import { checkData, type Looked } from './data-checks.ts';
import { Findings, type Finding } from './finding.ts';

export type { Finding } from './finding.ts';

export interface StaticChecks {
  /** no finding is an error */
  readonly holds: boolean;
  readonly errors: number;
  readonly warnings: number;
  /** sorted by file and line */
  readonly findings: readonly Finding[];
  /** data sets whose rows and bytes were looked at, and those whose bytes could not be had; the others are as in the base */
  readonly datasets: Looked;
}

export interface CheckWish {
  /** data sets that it has in the same version are not read; null: all are */
  readonly base: Oid | null;
  /** bytes that cannot be had are a warning: the job of a fork's pull request has no credentials */
  readonly fork: boolean;
  readonly steps: StepRegistry;
  readonly signal: AbortSignal;
}

/**
 * @param place project: null where its settings are so wrong that it cannot be opened; then no data is looked at
 * @throws PlumbError INTERRUPTED
 */
export async function checkStatically(place: { readonly root: string; readonly project: Project | null }, wish: CheckWish): Promise<StaticChecks> {
  const findings = new Findings();
  const { lock, lockPositions, judgings } = await checkConfig(configFiles(place.root), wish.steps, findings);
  let datasets: Looked = { looked: [], notLooked: [] };
  if (place.project !== null && lock !== null) {
    const { project } = place;
    const changed = wish.base === null ? null : await changedSets(project, wish.base, lock);
    const changedRules = wish.base === null ? new Set<string>() : await changedFiles(project, wish.base, judgings);
    datasets = await checkData(project, { lock, lockPositions, judgings, changed, changedRules, fork: wish.fork, signal: wish.signal }, findings);
  }
  const sorted = findings.sorted();
  const errors = sorted.filter(({ severity }) => severity === 'error').length;
  return { holds: errors === 0, errors, warnings: sorted.length - errors, findings: sorted, datasets };
}

/** A symlink that leads out of the project is no way to a file of the runner. */
function configFiles(root: string): ConfigFiles {
  return {
    async readText(path) {
      await refuseWayOut(root, path);
      return readTextFile(join(root, path), path);
    },
    exists: (path) =>
      lstat(join(root, path)).then(
        () => true,
        () => false,
      ),
    list: (folder) => workTree(root).list(folder),
  };
}

/** Names of data sets that the base does not have in this version. A base whose lock cannot be read has none. */
async function changedSets(project: Project, base: Oid, lock: Lock): Promise<ReadonlySet<string> | null> {
  const before = await loadLockAt(project, base).catch((error: unknown) => {
    if (isPlumbError(error)) return null;
    throw error;
  });
  if (before === null) return null;
  const isSame = (name: string): boolean =>
    Object.hasOwn(before.datasets, name) && JSON.stringify(before.datasets[name]) === JSON.stringify(lock.datasets[name]);
  return new Set(Object.keys(lock.datasets).filter((name) => !isSame(name)));
}

async function changedFiles(project: Project, base: Oid, judgings: readonly Judging[]): Promise<ReadonlySet<string>> {
  const changed = new Set<string>();
  for (const file of new Set(judgings.map((judging) => judging.file))) {
    if ((await project.readTextAt(base, file)) !== (await project.readText(file))) changed.add(file);
  }
  return changed;
}
