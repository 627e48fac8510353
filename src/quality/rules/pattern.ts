// Regular expressions of a rules file are written by people and run over data of others: `(a+)+$` must end on every text. RE2's engine takes linear time:
// here as re2js, for large files as DuckDB's own. A pattern that RE2 does not know (a look behind, a back reference) is an error in the rules.
import { RE2JS } from 're2js';

/** What is wrong with a pattern, or undefined. */
export function patternProblem(source: string): string | undefined {
  try {
    RE2JS.compile(source);
    return undefined;
  } catch (error) {
    return `not a regular expression of RE2: ${(error as Error).message.replace(/^error parsing regexp: /, '')}`;
  }
}

/** Does it match somewhere in the text? Time is linear in the text. @param source without problem */
export function patternTest(source: string): (text: string) => boolean {
  const regex = RE2JS.compile(source);
  return (text) => regex.test(text);
}

/** The same question as a regular expression: a pattern of SQL's LIKE, for the whole text. */
export function regexOfLike(pattern: string): string {
  let regex = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const unit = pattern[at] as string;
    if (unit === '%') regex += '.*';
    else if (unit === '_') regex += '.';
    else if (unit === '\\' && at + 1 < pattern.length) regex += quoted(pattern[(at += 1)] as string);
    else regex += quoted(unit);
  }
  return `^(?s:${regex})$`;
}

function quoted(unit: string): string {
  return /[\\^$.*+?()[\]{}|]/.test(unit) ? `\\${unit}` : unit;
}
