// What push, fetch and pull say at their end.
import { formatBytes } from '../base/progress.ts';
import type { TransferResult } from '../store/store.ts';

/** 'sent 3 objects, 1.2 MB', or that there was nothing to do. */
export function transferText(verb: 'sent' | 'fetched', result: TransferResult, place: string): string {
  if (result.objects === 0) return verb === 'sent' ? `nothing to send: ${place} has it all` : 'nothing to fetch: the cache has it all';
  const preposition = verb === 'sent' ? 'to' : 'from';
  return `${verb} ${result.objects} ${result.objects === 1 ? 'object' : 'objects'}, ${formatBytes(result.bytes)}, ${preposition} ${place}`;
}

export function sumOf(results: readonly TransferResult[]): TransferResult {
  return { objects: results.reduce((sum, result) => sum + result.objects, 0), bytes: results.reduce((sum, result) => sum + result.bytes, 0) };
}
