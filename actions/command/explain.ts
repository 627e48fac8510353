// `plumb ci explain` as a child process that is told nothing of what the runner trusts us with.
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { PlumbError } from '../../src/base/errors.ts';
import { code, prose } from '../../src/report/markdown-text.ts';
import { childEnvironment, type Environment } from '../plumb-process.ts';
import { findPlumb } from '../find-plumb.ts';

const most = { timeout: 300_000, maxBuffer: 1 << 20 };

/**
 * @param folder of the project, in the work space
 * @returns Markdown: the answer, or why there is none
 * @throws PlumbError ACTION_PLUMB when plumb is not there, or says nothing that is understood
 */
export async function explain({
  wanted,
  model,
  folder,
  env,
}: {
  wanted: string;
  model: string | null;
  folder: string;
  env: Environment;
}): Promise<string> {
  const workspace = resolve(env['GITHUB_WORKSPACE'] ?? '.');
  const project = join(workspace, folder);
  // values behind = or --: none is taken for an option
  const words = ['ci', 'explain', '--json', ...(model === null ? [] : [`--model=${model}`]), '--', wanted];
  const answer = await promisify(execFile)(process.execPath, [findPlumb(workspace, env), ...words], {
    ...most,
    cwd: project,
    env: childEnvironment(env),
  }).catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }));
  const said = parse(answer.stdout);
  if (typeof said.markdown === 'string') return said.markdown;
  if (said.error === undefined)
    throw new PlumbError('ACTION_PLUMB', { what: 'plumb ci explain said nothing that is understood', mend: 'see the log above' });
  return `${prose(said.error.what)}\n\n${prose(said.error.mend)} (${code(said.error.code)})\n`;
}

function parse(text: string): { markdown?: unknown; error?: { what: string; mend: string; code: string } } {
  try {
    return JSON.parse(text) as ReturnType<typeof parse>;
  } catch {
    return {};
  }
}
