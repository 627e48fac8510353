import { createHash, hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { systemError } from './errors.ts';

/** The one name of bytes: 'sha256:' and 64 lower-case hex digits, as OCI and in-toto write it. */
export type Digest = `sha256:${string}`;

const form = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && form.test(text);
}

export function digestOf(bytes: string | Uint8Array): Digest {
  return `sha256:${hash('sha256', bytes, 'hex')}`;
}

/** The first characters of a digest for people: 'sha256:0123456789ab' -> '0123456789ab'. */
export function shortDigest(digest: Digest): string {
  return digest.slice(7, 19);
}

export function hexOf(digest: Digest): string {
  return digest.slice(7);
}

/**
 * Digest and size (bytes) of a file, read in 1 MiB pieces.
 * @throws PlumbError FILE_MISSING, FILE_UNREADABLE; INTERRUPTED's AbortError comes through as it is
 */
export async function digestOfFile(
  path: string,
  options: { signal?: AbortSignal; onBytes?: (bytes: number) => void } = {},
): Promise<{ digest: Digest; bytes: number }> {
  const state = createHash('sha256');
  let bytes = 0;
  try {
    const stream = createReadStream(path, { highWaterMark: 1 << 20, ...(options.signal ? { signal: options.signal } : {}) });
    for await (const piece of stream as AsyncIterable<Buffer>) {
      state.update(piece);
      bytes += piece.length;
      options.onBytes?.(piece.length);
    }
  } catch (error) {
    throw systemError(error, 'read', path);
  }
  return { digest: `sha256:${state.digest('hex')}`, bytes };
}
