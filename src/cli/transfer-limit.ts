// --limit of push, fetch and pull: how much of a line a transfer may take.
import { InvalidArgumentError, Option } from 'commander';

const units: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

export function limitOption(): Option {
  return new Option('--limit <rate>', 'at most so many bytes a second: 500k, 10M; default: as fast as it goes').argParser(parseRate);
}

/** '10M' -> 10,000,000: powers of 1000, as progress counts. */
export function parseRate(text: string): number {
  const [, amount, unit] = /^([0-9]+(?:\.[0-9]+)?) ?([kmg]?)(?:b(?:\/s)?)?$/i.exec(text) ?? [];
  const rate = Number(amount) * (units[unit?.toLowerCase() ?? ''] ?? Number.NaN);
  if (rate >= 1) return rate;
  throw new InvalidArgumentError('expected bytes a second, such as 500k or 10M.');
}

export function transferLimit({ limit }: { readonly limit?: number }): { readonly limit?: number } {
  return limit === undefined ? {} : { limit };
}
