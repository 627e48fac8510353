// Broken rules in words: for logs, findings and the error that ends a stage.
import { PlumbError } from '../../base/errors.ts';
import type { CheckResult, Validation } from './report.ts';

/**
 * RULES_BROKEN names the broken rules with rows and values; all of them are in `details.broken`.
 * @param file name of the rules file
 */
export function rulesBroken(validation: Validation, file: string): PlumbError {
  const broken = validation.results.filter((result) => !result.holds && result.severity === 'error');
  const [first] = broken;
  return new PlumbError('RULES_BROKEN', {
    what: broken
      .slice(0, 3)
      .map((result) => describeBroken(result, validation))
      .concat(broken.length > 3 ? [`and ${broken.length - 3} more`] : [])
      .join('; '),
    where: { file, ...(first === undefined ? {} : { path: `rules.${first.rule - 1}` }) },
    mend: 'correct the rows, or the rule when the rows are right',
    details: { broken: broken.map(({ keys, ...rest }) => ({ ...rest, keys: keys.slice(0, 20) })) },
  });
}

/** 'rule 2: 3 of 9003 rows break "text has a value": train-00001: missing, ...' */
export function describeBroken(result: CheckResult, validation: Validation): string {
  const why = result.desc === undefined ? '' : ` (${result.desc})`;
  const rule = `rule ${result.rule}${result.name === undefined ? '' : ` (${result.name})`}`;
  const subject = result.column === null ? result.expected : `${result.column} ${result.expected}`;
  if (result.check === 'rows') return `${rule}: there are ${validation.rows} rows, expected ${result.expected}${why}`;
  if (result.observed !== undefined) return `${rule}: expected "${subject}"${why}, found: ${result.observed}`;
  const shown = result.sample
    .slice(0, 3)
    .map((entry) => `${entry.key}: ${entry.value}${entry.same_as === undefined ? '' : `, as in row ${entry.same_as}`}`);
  const more = result.failing > shown.length ? ', ...' : '';
  return `${rule}: ${result.failing} of ${validation.rows} rows break "${subject}"${why}: ${shown.join('; ')}${more}`;
}
