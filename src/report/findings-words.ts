// The checks in words.
import { count } from './figures.ts';
import type { FindingsPart } from './schema.ts';

export const checkWords: Readonly<Record<FindingsPart['check'], string>> = {
  rules: 'rules',
  pii: 'personal data',
  secrets: 'secrets',
  duplicates: 'duplicates',
  leakage: 'leaks into evaluation',
  code: 'code and conversations',
  provenance: 'provenance',
};

/** Of six letters at most: what a line on a terminal begins with. */
export const shortCheckWords: Readonly<Record<FindingsPart['check'], string>> = {
  rules: 'rules',
  pii: 'pii',
  secrets: 'secret',
  duplicates: 'dups',
  leakage: 'leaks',
  code: 'code',
  provenance: 'origin',
};

export const stateWords = { holds: ['good', '✓ holds'], broken: ['bad', '✗ broken'], 'not looked at': ['mixed', '! not looked at'] } as const;
export const severityWords = { error: ['bad', '✗ error'], warning: ['mixed', '! warning'], info: ['soft', '· counted'] } as const;

/** ', 1 of them new': in rows of the branch, or held against such a row. '' where that is not known. */
export function broughtInWords({ rows, brought }: { readonly rows: number; readonly brought?: number | undefined }): string {
  if (brought === undefined) return '';
  return brought === 0 ? ', none new' : brought === rows ? ', new' : `, ${count(brought)} new`;
}

/** Does a message say already which row it is held against? */
export function names(message: string, key: string): boolean {
  return message.includes(`(${key})`);
}
