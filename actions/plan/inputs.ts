// What the action is told, read once and typed.
import { readFolder, wordsOf, wrongInput } from '../job.ts';

export interface Inputs {
  /** of the project, absolute, inside the work space */
  readonly folder: string;
  /** 1 to 4: as many outputs there are */
  readonly levels: number;
  /** labels of stages that name none */
  readonly runner: readonly string[];
  /** revision that the change is compared with; null: what the event says */
  readonly base: string | null;
  /** stages that run whatever the cache has */
  readonly force: readonly string[];
  readonly token: string;
}

/**
 * @param get the text of an input, '' when it is not given
 * @throws PlumbError ACTION_INPUT
 */
export function readInputs(get: (name: string) => string, workspace: string): Inputs {
  const text = (name: string): string | null => get(name).trim() || null;
  const levels = text('levels') ?? '4';
  if (!/^[1-4]$/.test(levels)) throw wrongInput('levels', levels, 'a number from 1 to 4');
  const runner = wordsOf('runner', text('runner') ?? 'ubuntu-24.04');
  if (runner.length === 0) throw wrongInput('runner', get('runner'), 'labels of a runner');
  return {
    folder: readFolder(get('folder'), workspace),
    levels: Number(levels),
    runner,
    base: text('base'),
    force: wordsOf('force', text('force') ?? ''),
    token: get('token').trim(),
  };
}
