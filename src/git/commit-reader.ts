// Commits and files of commits by the git command, from one process that stays.
import type { ObjectReader } from './cat-file.ts';
import { missingCommit } from './failures.ts';
import type { Oid } from './git.ts';
import { checkOid, checkPath } from './names.ts';
import { parseCommit, type CommitObject } from './object.ts';
import type { Repository } from './repository.ts';

export interface CommitReader {
  /** @throws PlumbError GIT_REVISION_UNKNOWN, GIT_TOO_SHALLOW */
  read(oid: Oid): Promise<CommitObject>;
  /** @param entryAt finds the object at a path whose name cannot stand on one line */
  blobs(commit: Oid, paths: readonly string[], entryAt: (path: string) => Promise<Oid | null>): Promise<(Uint8Array | null)[]>;
}

export function createCommitReader(objects: ObjectReader, repository: Repository): CommitReader {
  async function read(oid: Oid): Promise<CommitObject> {
    const object = await objects.read(checkOid(oid));
    if (object?.type !== 'commit') throw await missingCommit(oid, repository);
    return parseCommit(oid, object.bytes);
  }
  return {
    read,
    async blobs(commit, paths, entryAt) {
      checkOid(commit);
      const answers = await Promise.all(
        paths.map(async (path) => {
          const name = checkPath(path).includes('\n') ? await entryAt(path) : `${commit}:${path}`;
          const object = name === null ? null : await objects.read(name);
          return object?.type === 'blob' ? object.bytes : null;
        }),
      );
      // git says "missing" of a file and of a commit alike
      if (answers.includes(null)) await read(commit);
      return answers;
    },
  };
}
