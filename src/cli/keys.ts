import { generateKeyPairSync } from 'node:crypto';
import { Option } from 'commander';
import { PlumbError } from '../base/errors.ts';
import type { Cli, Define } from './command.ts';

/** What a pair signs -> where its halves go. One key for both would let whatever a stage starts sign the log. */
const uses = {
  runs: { section: 'trust', variable: 'PLUMB_SIGNING_KEY', keptIn: 'the secret PLUMB_SIGNING_KEY of CI' },
  audit: {
    section: 'audit',
    variable: 'PLUMB_AUDIT_SIGNING_KEY',
    keptIn: 'the secret PLUMB_AUDIT_SIGNING_KEY of an environment that only the main branch may use (docs/deploy.md)',
  },
} as const;

type Use = keyof typeof uses;

interface Options {
  readonly for: Use;
  readonly name?: string;
}

export const define: Define = (command, cli) => {
  command
    .argument('<what>', 'new: makes a pair')
    .addOption(
      new Option('--for <what>', 'what it signs: runs of CI, or audit, the log of decisions; never the same key for both')
        .choices(Object.keys(uses))
        .default('runs'),
    )
    .option('--name <name>', 'what policy.yaml calls it (default: ci for runs, deploy for audit)')
    .addHelpText(
      'after',
      '\nPrints what belongs into policy.yaml, and the private half, once: it is kept nowhere. That of runs goes into PLUMB_SIGNING_KEY (trust.keys of\n' +
        'policy.yaml), that of the log of decisions into PLUMB_AUDIT_SIGNING_KEY (audit.keys).\n\n' +
        'Examples:\n  $ plumb keys new --name ci-2026\n  $ plumb keys new --for audit',
    )
    .action((what: string, options: Options) => newKeys(what, options, cli));
};

async function newKeys(what: string, { for: use, name = use === 'audit' ? 'deploy' : 'ci' }: Options, cli: Cli): Promise<void> {
  if (what !== 'new') throw new PlumbError('USAGE', { what: `plumb keys ${what.slice(0, 40)} is not understood`, mend: 'write `plumb keys new`' });
  const { publicText } = await import('../pipeline/attestation.ts');
  const { privateKey } = generateKeyPairSync('ed25519');
  const secret = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })).toString('base64');
  const open = publicText(privateKey);
  const { section, variable, keptIn } = uses[use];
  cli.emit({ name, public: open, private: secret, policy: `${section}.keys`, variable });
  cli.print(`Into policy.yaml of the main branch, under ${section}: keys:`);
  cli.print(`  - { name: ${JSON.stringify(name)}, public: ${open} }`);
  cli.print('');
  cli.print(`Into ${keptIn}, and nowhere else (it is kept nowhere):`);
  cli.print(`  ${secret}`);
}
