import { PlumbError } from '../../base/errors.ts';

/**
 * Holds that every number is a count: whole, from 0, exactly representable.
 * @throws PlumbError STAT_NOT_A_COUNT
 */
export function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    throw new PlumbError('STAT_NOT_A_COUNT', { what: `${name} is ${value}, not a count`, mend: 'pass whole numbers from 0' });
  }
}
