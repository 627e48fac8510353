// What an export is made of: the whole log, and of the decisions that were chosen every file that they lead to. The same whether it was collected from a
// clone or read from an exported folder; all that people look at is rendered from it.
import { digestOf, hexOf, type Digest } from '../base/digest.ts';
import type { Git } from '../git/git.ts';
import type { PolicySource } from '../registry/audit-chain.ts';
import { logState } from '../registry/audit-state.ts';
import { gitPolicies, type LogRecord, type Served } from '../registry/decision-log.ts';
import { evidenceOf, evidencePath } from '../registry/evidence.ts';
import { pointerPath, type PointerPlace } from '../registry/pointer.ts';
import { revocationOf } from '../registry/revocation.ts';
import { commitTree, type FileTree } from '../registry/tree.ts';
import { dossierOf, pointerOf, type Dossier } from './dossier.ts';
import { selectRecords, type Selection } from './selection.ts';

export interface Archive {
  readonly selection: Selection;
  /** all of the log, from number 0 on */
  readonly records: readonly LogRecord[];
  /** folder/name -> bytes; see `archivePath` */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** 'pointers/<64 hex>.json': files of an export are named by the SHA-256 of their bytes. */
export function archivePath(
  folder: 'policies' | 'roots' | 'pointers' | 'evidence' | 'revocations',
  digest: Digest,
  kind: 'json' | 'yaml' = 'json',
): string {
  return `${folder}/${hexOf(digest)}.${kind}`;
}

/** A pointer that an export has: where it stood, and the commit that has it and its evidence. */
export interface WantedPointer extends PointerPlace {
  readonly pointer: Digest;
  readonly commit: string;
  /** it was served, so its evidence must be whole */
  readonly served: boolean;
}

/** What is served at the end of the period, of the models that are asked for. */
export function servedAtEnd(records: readonly LogRecord[], { to, model }: Selection): Served[] {
  const until = selectRecords(records, { from: null, to, model: null });
  return logState(until)
    .allServed()
    .filter((one) => model === null || one.model === model);
}

/** Those of the chosen decisions, and of what is served at the end; each once. */
export function wantedPointers(records: readonly LogRecord[], selection: Selection): WantedPointer[] {
  const moved = selectRecords(records, selection).flatMap(({ decision: { moves, commit } }) =>
    moves.flatMap(({ model, stage, pointer, to, served }) =>
      pointer === null || (selection.model !== null && model !== selection.model)
        ? []
        : [{ model, stage, pointer, commit, served: served && to !== null }],
    ),
  );
  const wanted = new Map<string, WantedPointer>();
  for (const one of [...moved, ...servedAtEnd(records, selection).map((served) => ({ ...served, served: true }))]) {
    const key = `${one.model}/${one.stage}/${one.pointer}`;
    if (wanted.get(key)?.served !== true) wanted.set(key, one);
  }
  return [...wanted.values()];
}

/** Where the files of an archive come from. */
interface ArchiveSource {
  readonly policies: PolicySource;
  treeOf(wanted: WantedPointer): FileTree;
  /** A file that a record is about; null: it is not there. */
  file(commit: string, path: string, digest: Digest): Promise<Uint8Array | null>;
}

/** From a clone: nothing but git is asked. */
export function collectArchive(git: Git, prefix: string, records: readonly LogRecord[], selection: Selection): Promise<Archive> {
  return gather(records, selection, {
    policies: gitPolicies(git, prefix),
    treeOf: ({ commit }) => commitTree(git, prefix, commit),
    file: (commit, path) => git.readBlob(commit, prefix + path),
  });
}

/** The same from an export: all that its records lead to, and nothing else that lies there. */
export function recollect(archive: Archive): Promise<Archive> {
  return gather(archive.records, archive.selection, {
    policies: archivePolicies(archive.files),
    treeOf: (wanted) => archiveTree(archive, wanted),
    file: (_commit, _path, digest) => Promise.resolve(archive.files.get(archivePath('revocations', digest)) ?? null),
  });
}

async function gather(records: readonly LogRecord[], selection: Selection, source: ArchiveSource): Promise<Archive> {
  const files = new Map<string, Uint8Array>();
  await gatherPolicies(records, source.policies, files);
  for (const wanted of wantedPointers(records, selection)) await gatherPointer(source.treeOf(wanted), wanted, files);
  for (const { decision, subject } of selectRecords(records, selection)) {
    for (const { name, digest } of subject.filter((one) => revocationOf(one.name) !== null)) {
      const bytes = await source.file(decision.commit, name, `sha256:${digest.sha256}`);
      if (bytes !== null) files.set(archivePath('revocations', digestOf(bytes)), bytes);
    }
  }
  return { selection, records, files };
}

async function gatherPolicies(records: readonly LogRecord[], source: PolicySource, files: Map<string, Uint8Array>): Promise<void> {
  let before: Digest | null = null;
  for (const { policy, commit, signers } of records.map(({ decision }) => decision)) {
    const root = signers.jobs?.root ?? null;
    const found = policy === null || policy === before ? null : await source.policy(policy, commit, root);
    if (found !== null && policy !== null) files.set(archivePath('policies', policy, 'yaml'), Buffer.from(found.text));
    if (found !== null && found.root !== null && root !== null) files.set(archivePath('roots', root), Buffer.from(found.root));
    before = policy;
  }
}

async function gatherPointer(tree: FileTree, wanted: WantedPointer, files: Map<string, Uint8Array>): Promise<void> {
  const [bytes = null] = await tree.read([pointerPath(wanted)]);
  if (bytes !== null && digestOf(bytes) === wanted.pointer) files.set(archivePath('pointers', wanted.pointer), bytes);
  const { evidence } = await pointerOf(tree, wanted, wanted.pointer);
  const paths = evidence?.paths ?? [];
  const found = await tree.read(paths);
  for (const [at, path] of paths.entries()) {
    const name = evidenceOf(path);
    const copy = found[at] ?? null;
    if (name !== null && copy !== null && digestOf(copy) === name.digest) files.set(archivePath('evidence', name.digest, name.kind), copy);
  }
}

/** Policies of an export, by digest. */
export function archivePolicies(files: Archive['files']): PolicySource {
  const text = (path: string): string | null => {
    const bytes = files.get(path);
    return bytes === undefined ? null : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  };
  return {
    policy: (digest, _commit, root) => {
      const found = text(archivePath('policies', digest, 'yaml'));
      if (found === null || digestOf(found) !== digest) return Promise.resolve(null);
      return Promise.resolve({ text: found, root: root ? text(archivePath('roots', root)) : null });
    },
  };
}

/** One pointer of an export with the evidence that it leads to, where both would stand in the repository. */
export function archiveTree({ files }: Pick<Archive, 'files'>, { pointer, ...place }: PointerPlace & { readonly pointer: Digest }): FileTree {
  const read = (path: string): Uint8Array | null => {
    if (path === pointerPath(place)) return files.get(archivePath('pointers', pointer)) ?? null;
    const name = evidenceOf(path);
    if (name === null || evidencePath(place, name.digest, name.kind) !== path) return null;
    return files.get(archivePath('evidence', name.digest, name.kind)) ?? null;
  };
  return { commit: null, read: (paths) => Promise.resolve(paths.map(read)), list: () => Promise.resolve([]) };
}

/** Of all that is served at the end of the period. */
export function archiveDossiers(archive: Archive): Promise<Dossier[]> {
  const until = selectRecords(archive.records, { from: null, to: archive.selection.to, model: null });
  return Promise.all(servedAtEnd(archive.records, archive.selection).map((one) => dossierOf(archiveTree(archive, one), one, until)));
}
