// Are the bytes that the pointers name still to be had, and still what they were?
import { stat } from 'node:fs/promises';
import type { Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { objectsOf } from '../datasets/manifest.ts';
import { manifestSchema } from '../datasets/schema.ts';
import type { Store } from '../store/store.ts';
import { shapeOf, type Finding } from './evidence.ts';
import { oneLine } from './one-line.ts';
import { pointerPath } from './pointer.ts';
import type { Pointer } from './schema.ts';

/**
 * Model files and manifests are read and hashed again, from the remote where the cache lacks them. Parts of data sets are hashed where
 * the cache has them; where only the remote has them it is asked whether it does, and they are not fetched.
 */
export async function verifyBytes(store: Store, pointers: readonly Pointer[]): Promise<{ objects: number; findings: Finding[] }> {
  const check = new BytesCheck(store);
  for (const pointer of pointers) {
    const file = pointerPath(pointer);
    await check.once(pointer.artifact.digest, () => check.artifact(file, pointer));
    for (const [name, digest] of Object.entries(pointer.data)) await check.once(digest, () => check.manifest(file, oneLine(name, 80), digest));
  }
  return { objects: check.seen.size, findings: check.findings };
}

class BytesCheck {
  readonly seen = new Set<Digest>();
  readonly findings: Finding[] = [];
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async once(digest: Digest, work: () => Promise<void>): Promise<void> {
    if (this.seen.has(digest)) return;
    this.seen.add(digest);
    await work();
  }

  async artifact(file: string, { artifact, run }: Pointer): Promise<void> {
    this.#store.remember([run]);
    const path = await this.#try(file, 'the model file', artifact.digest, async () => {
      const there = await this.#store.pathOf(artifact.digest);
      return (await this.#store.verify(artifact.digest)) ? there : null;
    });
    if (path === undefined) return;
    if (path === null)
      return this.#find(file, `the model file ${artifact.digest} is damaged in the cache`, 'run `plumb fetch`: the damaged copy was set aside');
    const { size } = await stat(path);
    if (size !== artifact.bytes)
      this.#find(file, `the model file ${artifact.digest} has ${size} bytes; the pointer says ${artifact.bytes}`, 'promote the model anew');
  }

  async manifest(file: string, name: string, digest: Digest): Promise<void> {
    const bytes = await this.#try(file, `the manifest of the data set "${name}"`, digest, () => this.#store.readBytes(digest));
    if (bytes === undefined) return;
    const manifest = manifestSchema.safeParse(parsed(bytes));
    if (!manifest.success)
      return this.#find(file, `${digest} is no manifest of the data set "${name}": ${shapeOf(manifest.error)}`, 'promote the model anew');
    await this.#try(file, `the manifest of the data set "${name}"`, digest, async () => {
      for await (const object of objectsOf(this.#store, digest)) await this.once(object.digest, () => this.part(file, name, digest, object.digest));
      return true;
    });
  }

  async part(file: string, name: string, manifest: Digest, digest: Digest): Promise<void> {
    const what = `a part of the data set "${name}"`;
    if (await this.#store.has(digest)) {
      if (await this.#store.verify(digest)) return;
      return this.#find(file, `${what} (${digest}) is damaged in the cache`, 'run `plumb fetch`: the damaged copy was set aside');
    }
    // the receipt of a version stands for all its parts
    const there = await this.#try(file, what, digest, async () => (await this.#store.remoteHas([manifest])).has(manifest));
    if (there === true || there === undefined) return;
    this.#find(
      file,
      `${what} (${digest}) is neither in the cache nor in ${this.#store.remoteUrl ?? 'a remote: none is configured'}`,
      'run `plumb push` on the machine that has it',
    );
  }

  /** @returns undefined when the store said no, which is then a finding */
  async #try<T>(file: string, what: string, digest: Digest, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isPlumbError(error)) throw error;
      this.#find(file, `${what}: ${error.message.includes(digest) ? '' : `${digest}: `}${error.message}`, error.mend);
      return undefined;
    }
  }

  #find(file: string, what: string, mend: string): void {
    this.findings.push({ file, commit: null, what: `${file}: ${what}`, mend });
  }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
