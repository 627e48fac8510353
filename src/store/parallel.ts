/**
 * Does `work` on every item, at most `width` at a time. The first error stops new items; those under way are waited for.
 * @throws what the first failed item threw, or the signal's reason
 */
export async function eachInParallel<T>(
  items: Iterable<T>,
  options: { width: number; signal?: AbortSignal },
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  let failed = false;
  const runner = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true && !failed; next = queue.next()) {
      options.signal?.throwIfAborted();
      try {
        await work(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: options.width }, runner));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** Results in the order of the items. */
export async function mapInParallel<T, U>(
  items: readonly T[],
  options: { width: number; signal?: AbortSignal },
  work: (item: T) => Promise<U>,
): Promise<U[]> {
  const results = new Array<U>(items.length);
  await eachInParallel(items.entries(), options, async ([at, item]) => {
    results[at] = await work(item);
  });
  return results;
}
