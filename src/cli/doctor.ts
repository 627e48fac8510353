import type { Cli, Define } from './command.ts';
import type { Finding, Level } from './doctor-checks.ts';

export const define: Define = (command, cli) => {
  command
    .addHelpText('after', '\nChanges nothing but a file that it makes and removes in the cache and in the remote.\n\nExample:\n  $ plumb doctor')
    .action(async () => doctorCommand(cli));
};

async function doctorCommand(cli: Cli): Promise<void> {
  const { examine } = await import('./doctor-checks.ts');
  const count: Record<Level, number> = { ok: 0, warn: 0, fail: 0 };
  const findings: Finding[] = [];
  for await (const finding of examine({ cwd: cli.cwd, env: cli.env, now: () => cli.now() })) {
    count[finding.level] += 1;
    findings.push(finding);
    cli.print(line(finding, cli));
  }
  cli.print(`\n${count.ok} ok, ${count.warn} warnings, ${count.fail} failed`);
  cli.emit({ ...count, findings });
  if (count.fail > 0) cli.exitCode = 1;
}

function line(finding: Finding, cli: Cli): string {
  const paint = { ok: cli.paint.green, warn: cli.paint.yellow, fail: cli.paint.red }[finding.level];
  const mend = finding.mend === undefined ? '' : `\n${' '.repeat(18)}${cli.paint.dim(`mend: ${finding.mend}`)}`;
  return `${paint(finding.level.padEnd(4))}  ${finding.name.padEnd(11)} ${finding.text}${mend}`;
}
