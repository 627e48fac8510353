// The stand-in for GitHub as a process of its own; see start.ts. It ends with its input, so with whoever started it.
import type { GitHubOptions } from './api.ts';
import { startGitHub } from './start.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as Partial<GitHubOptions>;
if (options.token === undefined) throw new Error('which token? {"token":"…"}');
const github = await startGitHub({ ...options, token: options.token });
process.stdout.write(`${JSON.stringify({ url: github.url, serverUrl: github.serverUrl, folder: github.git?.folder() ?? null })}\n`);
const end = (): void => void github.close().then(() => process.exit(0));
process.stdin.resume().on('end', end);
process.on('SIGTERM', end);
