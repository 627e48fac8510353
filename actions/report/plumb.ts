// The installed plumb as a child process: started without a shell, and kept away from what the runner trusts us with.
import { spawn } from 'node:child_process';
import { PlumbError } from '../../src/base/errors.ts';
import { z } from '../../src/base/schema.ts';
import { maskSensitive } from '../../src/quality/sensitive.ts';
import { reportSchema } from '../../src/report/schema.ts';
import { childEnvironment, withoutCommands, type Environment } from '../plumb-process.ts';
import type { Answer } from './plan.ts';

/** Of both streams; a report is at most 160 kB of JSON, and pretty-printed. */
const mostBytes = 8 << 20;

/**
 * @param log takes what plumb wrote for people, as lines in which the runner finds no commands
 * @throws PlumbError ACTION_PLUMB when there is neither a report nor an error of plumb's
 */
export async function askPlumb(
  order: { script: string; words: readonly string[]; folder: string; env: Environment; signal: AbortSignal },
  log: (text: string) => void,
): Promise<Answer> {
  const { stdout, stderr, code } = await start(order);
  if (stderr !== '') log(withoutCommands(stderr));
  const value = parse(stdout);
  const failure = failureSchema.safeParse(value);
  if (code !== 0 && failure.success) return { failure: masked(failure.data.error) };
  const report = reportSchema.safeParse(value);
  if (code === 0 && report.success) return { report: report.data };
  const [issue] = report.error?.issues ?? [];
  throw new PlumbError('ACTION_PLUMB', {
    what: `plumb ${order.words.join(' ')} ended with ${code} and without a report/1${issue === undefined ? '' : ` (${issue.path.join('.')}: ${issue.message})`}`,
    mend: 'see the log above; the action and the installed plumbline should be of one version',
  });
}

/** It may quote a row, and goes into a status, a check, annotations and the log. */
function masked(failure: z.infer<typeof failureSchema>['error']): z.infer<typeof failureSchema>['error'] {
  return { ...failure, what: maskSensitive(failure.what), mend: maskSensitive(failure.mend) };
}

/** As --json prints an error. */
const failureSchema = z.object({
  error: z.object({
    code: z.string(),
    what: z.string(),
    mend: z.string(),
    where: z.object({ file: z.string().optional(), line: z.number().optional() }).optional(),
  }),
});

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function start(order: Parameters<typeof askPlumb>[0]): Promise<{ stdout: string; stderr: string; code: number }> {
  // the same Node that runs us: a shebang would take whichever is first on PATH
  const child = spawn(process.execPath, [order.script, ...order.words], {
    cwd: order.folder,
    env: childEnvironment(order.env),
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: order.signal,
  });
  const streams: { [name in 'stdout' | 'stderr']: Buffer[] } = { stdout: [], stderr: [] };
  let bytes = 0;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > mostBytes) child.kill('SIGKILL');
      else streams[name].push(piece);
    });
  }
  return new Promise((done, reject) => {
    child.on('error', (error) =>
      reject(new PlumbError('ACTION_PLUMB', { what: `plumb did not start: ${error.message}`, mend: 'see the log', cause: error })),
    );
    child.on('close', (code) => {
      const text = (name: 'stdout' | 'stderr'): string => Buffer.concat(streams[name]).toString();
      done({ stdout: text('stdout'), stderr: text('stderr'), code: code ?? 1 });
    });
  });
}
