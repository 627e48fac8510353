// What must not leave with an example row: secrets, and personal data that can be told for sure. Whatever shows rows or model output to
// people (a comment, a page, a log of CI) sends it through here first, whole, before it cuts it: half a key is no key to the patterns.
//
// It is no PII detector: names, addresses, IP numbers (versions look like them) and national ids stay. Precision comes first, for a masked
// word hides the very change that a reviewer is to judge.
import type { SensitivePattern } from './sensitive-pattern.ts';
import { personalPatterns } from './sensitive-personal.ts';
import { isRandom, secretName, secretPatterns } from './sensitive-secrets.ts';

const patterns: readonly SensitivePattern[] = [...secretPatterns, ...personalPatterns];

/**
 * The text with secrets and personal data replaced by what they are: '[e-mail]', '[secret: AWS key]'. Masking twice is masking once.
 * Linear in the length of the text.
 * @param name of the column or key whose value the text is: under 'password' a random text is a secret
 */
export function maskSensitive(text: string, name?: string): string {
  if (name !== undefined && secretName.test(name) && isRandom(text.trim())) return '[secret]';
  return patterns.reduce(maskOne, text);
}

function maskOne(text: string, { pattern, replace }: SensitivePattern): string {
  pattern.lastIndex = 0;
  let masked = '';
  let done = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const replacement = replace(match);
    if (replacement === null) {
      pattern.lastIndex = match.index + 1;
      continue;
    }
    masked += text.slice(done, match.index) + replacement;
    done = pattern.lastIndex;
  }
  return done === 0 ? text : masked + text.slice(done);
}
