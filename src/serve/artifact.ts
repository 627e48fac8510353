// From a digest to a model that answers: fetched, verified, opened, warm.
import type { Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import type { Predictor } from '../train/predictor.ts';

/** Opens the model file at a path if its bytes have the digest, else throws DIGEST_MISMATCH; `openPredictor` of train/. */
export type OpenModel = (path: string, options: { readonly digest: Digest }) => Promise<Predictor>;

/**
 * Fetches an artifact and opens it. The bytes that are loaded are hashed again: the cache verified them when they came in, which may be months ago.
 * Bytes that went bad are set aside and fetched once more where a remote has them.
 * @throws PlumbError BYTES_MISSING, DIGEST_MISMATCH, REMOTE_FAILED, MODEL_INVALID
 */
export async function openArtifact(
  { digest, run }: { readonly digest: Digest; readonly run: Digest },
  store: Store,
  open: OpenModel,
): Promise<Predictor> {
  store.remember([run]);
  const predictor = await open(await store.pathOf(digest), { digest }).catch(async (error: unknown) => {
    if (!isPlumbError(error, 'DIGEST_MISMATCH')) throw error;
    await store.verify(digest);
    return open(await store.pathOf(digest), { digest });
  });
  try {
    await warmUp(predictor);
    return predictor;
  } catch (error) {
    await predictor.close();
    throw error;
  }
}

/** The first runs of a model are slow (lazy allocation, cold caches); they shall not be a user's. */
async function warmUp(predictor: Predictor): Promise<void> {
  for (const texts of [['a'], ['warm up', 'the model'], Array.from({ length: 8 }, (_, at) => `text ${at}`)]) {
    await predictor.predict(texts, { top: 1 });
  }
}
