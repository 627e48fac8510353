// No importer writes what our own reader would refuse.
import type { z } from '../../base/schema.ts';
import { rulesSchema } from '../rules/schema.ts';
import { refuse } from './imported.ts';
import type { RuleInput } from './rules-text.ts';

/** @throws Refused with our reader's words for what is wrong with it */
export function checkRule(rule: RuleInput): void {
  const result = rulesSchema.safeParse({ version: 1, rules: [rule] });
  if (result.success) return;
  const texts = leaves(result.error.issues).map((issue) => issue.message);
  refuse(`the rule would not be one: ${texts.find((text) => !text.startsWith('Invalid input')) ?? texts[0] ?? 'not of the form'}`);
}

function leaves(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  return issues.flatMap((issue) =>
    issue.code === 'invalid_union' && issue.errors.length > 0 ? issue.errors.flatMap((branch) => leaves(branch)) : [issue],
  );
}
