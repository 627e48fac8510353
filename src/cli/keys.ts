import { generateKeyPairSync } from 'node:crypto';
import { PlumbError } from '../base/errors.ts';
import type { Define } from './command.ts';

export const define: Define = (command, cli) => {
  command
    .argument('<what>', 'new: makes a pair')
    .option('--name <name>', 'what policy.yaml calls it', 'ci')
    .addHelpText('after', '\nThe private half is printed, once, and kept nowhere.\n\nExample:\n  $ plumb keys new --name ci-2026')
    .action(async (what: string, { name }: { name: string }) => {
      if (what !== 'new')
        throw new PlumbError('USAGE', { what: `plumb keys ${what.slice(0, 40)} is not understood`, mend: 'write `plumb keys new`' });
      const { publicText } = await import('../pipeline/attestation.ts');
      const { privateKey } = generateKeyPairSync('ed25519');
      const secret = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })).toString('base64');
      const open = publicText(privateKey);
      cli.emit({ name, public: open, private: secret });
      cli.print('Into policy.yaml of the main branch, under trust: keys:');
      cli.print(`  - { name: ${JSON.stringify(name)}, public: ${open} }`);
      cli.print('');
      cli.print('Into the secret PLUMB_SIGNING_KEY of CI, and nowhere else (it is kept nowhere):');
      cli.print(`  ${secret}`);
    });
};
