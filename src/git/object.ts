// git's own formats of a commit and of a tree, which both implementations read.
import { byCodeUnit } from '../base/canonical.ts';
import type { Commit, Oid, TreeEntry } from './git.ts';

export interface CommitObject extends Commit {
  readonly tree: Oid;
}

/**
 * A commit from its raw bytes. Lines of the header that are not ours (signature, merged tags) are passed over.
 * @throws Error when the bytes are no commit
 */
export function parseCommit(oid: Oid, bytes: Uint8Array): CommitObject {
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = raw.indexOf('\n\n');
  const fields = header(raw.subarray(0, end === -1 ? raw.length : end));
  const decode = decoderFor(fields.get('encoding')?.[0]?.toString('latin1'));
  const tree = fields.get('tree')?.[0]?.toString('latin1');
  const committer = person(decode(fields.get('committer')?.[0] ?? Buffer.alloc(0)));
  const author = person(decode(fields.get('author')?.[0] ?? Buffer.alloc(0)));
  if (tree === undefined || committer === null || author === null) throw new Error(`object ${oid} is no commit`);
  return {
    oid,
    tree,
    parents: (fields.get('parent') ?? []).map((line) => line.toString('latin1')),
    author: { name: author.name, email: author.email },
    date: committer.date,
    message: end === -1 ? '' : decode(raw.subarray(end + 2)).replace(/\n+$/, ''),
  };
}

function header(raw: Buffer): Map<string, Buffer[]> {
  const fields = new Map<string, Buffer[]>();
  for (let at = 0; at < raw.length;) {
    const newline = raw.indexOf(0x0a, at);
    const stop = newline === -1 ? raw.length : newline;
    const space = raw.indexOf(0x20, at);
    // a line that begins with a blank goes on with the one before
    if (space > at && space < stop) {
      const name = raw.toString('latin1', at, space);
      fields.set(name, [...(fields.get(name) ?? []), raw.subarray(space + 1, stop)]);
    }
    at = stop + 1;
  }
  return fields;
}

function decoderFor(encoding: string | undefined): (bytes: Buffer) => string {
  try {
    const decoder = new TextDecoder(encoding ?? 'utf-8', { ignoreBOM: true });
    return (bytes) => decoder.decode(bytes);
  } catch {
    return (bytes) => bytes.toString('utf8');
  }
}

function person(line: string): { name: string; email: string; date: Date } | null {
  const match = /^(.*?) ?<([^>]*)> ?(-?\d+)?/.exec(line);
  if (match === null) return null;
  return { name: match[1] ?? '', email: match[2] ?? '', date: new Date(Number(match[3] ?? 0) * 1000) };
}

/** Modes as git writes them; old repositories have 100664 for what is 100644 now. */
export function fileMode(mode: string): TreeEntry['mode'] {
  if (mode === '120000' || mode === '160000' || mode === '100755') return mode;
  return '100644';
}

/** Two histories that crossed have several bases; one of them is taken, always the same. */
export function newestFirst(a: Commit, b: Commit): number {
  return b.date.getTime() - a.date.getTime() || byCodeUnit(a.oid, b.oid);
}

/** The commit as the interface shows it. */
export function withoutTree({ oid, parents, author, date, message }: CommitObject): Commit {
  return { oid, parents, author, date, message };
}
