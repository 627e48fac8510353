// A profile as it may leave: secrets and personal data in values are masked, for pages and documents go further than the rows do.
import { maskSensitive } from '../sensitive.ts';
import type { Profile } from './schema.ts';

/** The profile with masked values; all numbers stay. */
export function maskProfile(profile: Profile): Profile {
  const columns = profile.columns.map((column) => ({
    ...column,
    top: column.top.map((entry) => (typeof entry.value === 'string' ? { ...entry, value: maskSensitive(entry.value, column.name) } : entry)),
    shapes: column.shapes.map((entry) => ({ ...entry, shape: maskSensitive(entry.shape) })),
  }));
  return { ...profile, columns };
}
