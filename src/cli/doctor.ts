import { Option } from 'commander';
import type { Cli, Define } from './command.ts';
import type { Finding, Level } from './doctor-checks.ts';
import type { ForgeDoctorOptions } from './doctor-forge.ts';

export const define: Define = (command, cli) => {
  command
    .addOption(
      new Option('--forge [kind]', 'look at the settings of the forge instead: every way to promote without approval').choices(['github', 'gitea']),
    )
    .option('--fix', 'with --forge: the requests that close gaps, as a plan; changes nothing yet')
    .option('--yes', 'with --fix: make them, then look again')
    .option('--accept <codes...>', 'with --forge: gaps that are known and do not count')
    .addHelpText(
      'after',
      '\nWithout --forge it changes nothing but a file that it makes and removes in the cache and in the remote.\nWith --forge it asks with PLUMB_FORGE_TOKEN, best that of an administrator: what a token may not read is a gap, too.\n\nExamples:\n  $ plumb doctor\n  $ PLUMB_FORGE_TOKEN=$(gh auth token) plumb doctor --forge\n  $ plumb doctor --forge --fix',
    )
    .action(async (options: Partial<ForgeDoctorOptions>) => {
      if (options.forge === undefined) return doctorCommand(options, cli);
      const { forgeDoctor } = await import('./doctor-forge.ts');
      return forgeDoctor({ ...options, forge: options.forge }, cli);
    });
};

async function doctorCommand({ fix, yes, accept }: Partial<ForgeDoctorOptions>, cli: Cli): Promise<void> {
  if (fix !== undefined || yes !== undefined || accept !== undefined) {
    const { PlumbError } = await import('../base/errors.ts');
    throw new PlumbError('USAGE', { what: '--fix, --yes and --accept go with --forge', mend: 'write plumb doctor --forge' });
  }
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
