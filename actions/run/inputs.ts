// What the action is told, read once and typed.
import { readFolder, wordsOf, wrongInput } from '../job.ts';

export interface Inputs {
  /** plumb.js of our installation */
  readonly plumb: string;
  /** of the project, absolute, inside the work space */
  readonly folder: string;
  /** none: all */
  readonly stages: readonly string[];
  readonly force: readonly string[];
  readonly checkpointMinutes: string;
}

/**
 * @param get the text of an input, '' when it is not given; they come by the environment of a shell, which knows no names with a "-"
 * @throws PlumbError ACTION_INPUT
 */
export function readInputs(get: (name: string) => string, workspace: string): Inputs {
  const minutes = get('checkpoint_minutes').trim() || '5';
  if (!/^\d{1,4}(?:\.\d{1,6})?$/.test(minutes)) throw wrongInput('checkpoint-minutes', minutes, 'a number of minutes');
  return {
    plumb: get('plumb').trim(),
    folder: readFolder(get('folder'), workspace),
    stages: wordsOf('stages', get('stages').trim()),
    force: wordsOf('force', get('force').trim()),
    checkpointMinutes: minutes,
  };
}
