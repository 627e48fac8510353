// The checks in words.
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

export const stateWords = { holds: ['good', '✓ holds'], broken: ['bad', '✗ broken'], 'not looked at': ['mixed', '! not looked at'] } as const;
export const severityWords = { error: ['bad', '✗ error'], warning: ['mixed', '! warning'], info: ['soft', '· counted'] } as const;
