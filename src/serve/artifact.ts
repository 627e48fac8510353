// From a digest to a model that answers: fetched, verified, opened, warm.
import { digestOfFile, shortDigest, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import type { Predictor } from '../train/predictor.ts';

/** Opens the model file at a path; `openPredictor` of train/. */
export type OpenModel = (path: string) => Promise<Predictor>;

/**
 * Fetches an artifact and opens it. Its bytes are hashed again here, just before they are loaded: the cache verified them when they came in, which
 * may be months ago. Bytes that went bad are set aside and fetched once more where a remote has them.
 * @throws PlumbError BYTES_MISSING, DIGEST_MISMATCH, REMOTE_FAILED, MODEL_INVALID
 */
export async function openArtifact(digest: Digest, store: Store, open: OpenModel): Promise<Predictor> {
  const predictor = await open(await verifiedPath(digest, store));
  try {
    await warmUp(predictor);
    return predictor;
  } catch (error) {
    await predictor.close();
    throw error;
  }
}

async function verifiedPath(digest: Digest, store: Store): Promise<string> {
  const path = await store.pathOf(digest);
  if ((await digestOfFile(path)).digest === digest) return path;
  await store.verify(digest);
  const again = await store.pathOf(digest);
  const actual = (await digestOfFile(again)).digest;
  if (actual === digest) return again;
  throw new PlumbError('DIGEST_MISMATCH', {
    what: `the bytes of ${shortDigest(digest)} in the cache are ${shortDigest(actual)}`,
    mend: 'take the object out of the cache, then run `plumb fetch`',
  });
}

/** The first runs of a model are slow (lazy allocation, cold caches); they shall not be a user's. */
async function warmUp(predictor: Predictor): Promise<void> {
  for (const texts of [['a'], ['warm up', 'the model'], Array.from({ length: 8 }, (_, at) => `text ${at}`)]) {
    await predictor.predict(texts, { top: 1 });
  }
}
