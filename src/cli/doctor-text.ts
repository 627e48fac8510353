// What `plumb doctor --forge` prints. Names come from the forge, and anybody may have chosen them: they are shown, never obeyed.
import { commandOf, planFix, type Gap, type Severity } from '../ci/doctor.ts';
import { severities } from '../ci/doctor-gap.ts';
import type { ForgeSettings, SettingChange } from '../forge/settings.ts';
import { visible } from '../report/visible.ts';
import type { Paint } from './command.ts';

const indent = ' '.repeat(10);
const width = 110;

export interface Shown {
  readonly settings: ForgeSettings;
  readonly gaps: readonly Gap[];
  /** gaps that somebody has said yes to */
  readonly accepted: readonly Gap[];
  readonly apiUrl: string;
  readonly requests: number;
}

/** The gaps, the most severe first, each with how it would be used and what closes it; the commands once, below. */
export function renderGaps({ settings, gaps, accepted, apiUrl, requests }: Shown, paint: Paint): string {
  const changes = planFix(gaps);
  const blocks = gaps.map((one) => block(one, changes, paint));
  const commands = changes.map((one, at) => `${paint.bold(`[${at + 1}]`)} ${visible(one.after)}\n    ${commandOf(one, settings.forge, apiUrl)}`);
  const known = accepted.map((one) => paint.dim(`accepted  ${one.code} ${visible(one.subject)}: ${visible(one.what)}`));
  const may = settings.token.administer ? 'administer it' : settings.token.push ? 'write to it' : 'read it';
  const kind = settings.forge === 'github' ? 'GitHub' : 'Gitea';
  return [
    `${paint.bold(visible(settings.repository))} on ${kind}, ${settings.visibility}, asked with a token that may ${may} (${requests} requests)`,
    ...blocks,
    ...(commands.length === 0 ? [] : [`${paint.bold('Commands')} (or: plumb doctor --forge --fix)\n${commands.join('\n')}`]),
    ...(known.length === 0 ? [] : [known.join('\n')]),
    summary(gaps, changes.length),
  ].join('\n\n');
}

function block({ severity, code, subject, what, how, closing }: Gap, changes: readonly SettingChange[], paint: Paint): string {
  const at = (change: SettingChange): number => changes.findIndex((one) => JSON.stringify(one) === JSON.stringify(change)) + 1;
  const close =
    closing.kind === 'requests'
      ? closing.requests.map((one) => `[${at(one)}]`).join(' ')
      : `${visible(closing.say)}\n${indent}${paint.dim(visible(closing.url))}`;
  const lines = [`${colour(severity, paint)(severity.padEnd(8))}  ${paint.bold(code)}  ${visible(subject)}`, `${indent}${visible(what)}`];
  return [...lines, ...wrapped(how).map((line) => indent + paint.dim(line)), `${indent}close: ${close}`].join('\n');
}

function colour(severity: Severity, paint: Paint): (text: string) => string {
  return { critical: paint.red, high: paint.red, medium: paint.yellow, unknown: paint.yellow }[severity];
}

function wrapped(text: string): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + word.length >= width - indent.length) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}

function summary(gaps: readonly Gap[], requests: number): string {
  if (gaps.length === 0) return 'no gap found';
  const counts = severities.map((one) => [gaps.filter(({ severity }) => severity === one).length, one] as const).filter(([count]) => count > 0);
  const closed = gaps.filter(({ closing }) => closing.kind === 'requests').length;
  const fix = requests === 0 ? '' : `; ${closed} of them close by ${requests} request${requests === 1 ? '' : 's'}`;
  return `${counts.map(([count, one]) => `${count} ${one}`).join(', ')}${fix}`;
}

/** Every request that `--fix` would make, before one is made. */
export function renderPlan(changes: readonly SettingChange[], paint: Paint): string {
  if (changes.length === 0) return 'nothing that a request could close';
  const steps = changes.map(({ method, path, body, before, after }, at) =>
    [
      `${paint.bold(`[${at + 1}]`)} ${method} ${visible(path)}`,
      `    now:   ${visible(before)}`,
      `    then:  ${visible(after)}`,
      ...(body === null ? [] : [`    body:  ${visible(JSON.stringify(body))}`]),
    ].join('\n'),
  );
  return `${paint.bold('Plan')}\n${steps.join('\n')}`;
}
