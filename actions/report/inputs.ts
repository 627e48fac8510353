// What the action is told, read once and typed.
import { relative, sep } from 'node:path';
import { PlumbError } from '../../src/base/errors.ts';
import { readFolder, wrongInput } from '../job.ts';

export interface Inputs {
  /** folder of the project, absolute, inside the work space */
  readonly folder: string;
  /** the same as seen from the work space: '.' or 'teams/a' */
  readonly place: string;
  /** null: the only one of pipeline.yaml */
  readonly model: string | null;
  readonly stage: 'staging' | 'production';
  /** null: as `plumb ci report` does */
  readonly against: string | null;
  /** null: the base of the pull request; without one, as `plumb ci report` does */
  readonly base: string | null;
  readonly comment: boolean;
  readonly status: boolean;
  readonly check: boolean;
  /** path of plumb.js; null: the plumb on PATH */
  readonly plumb: string | null;
  /** login that the token's comments appear under; null: the one of the forge's own token for jobs */
  readonly author: string | null;
  readonly token: string;
}

/**
 * @param get the text of an input, '' when it is not given
 * @throws PlumbError ACTION_INPUT
 */
export function readInputs(get: (name: string) => string, workspace: string): Inputs {
  const text = (name: string): string | null => get(name).trim() || null;
  const folder = readFolder(get('folder'), workspace);
  const stage = text('stage') ?? 'production';
  if (stage !== 'production' && stage !== 'staging') throw wrongInput('stage', stage, 'production or staging');
  const token = text('token');
  if (token === null)
    throw new PlumbError('ACTION_INPUT', { what: 'the input token is empty', mend: 'leave it out: the token of the job is its default' });
  return {
    folder,
    place: relative(workspace, folder).split(sep).join('/') || '.',
    model: text('model'),
    stage,
    against: text('against'),
    base: text('base'),
    comment: yesOrNo('comment'),
    status: yesOrNo('status'),
    check: yesOrNo('check'),
    plumb: text('plumb'),
    author: text('author'),
    token,
  };

  function yesOrNo(name: string): boolean {
    const value = text(name) ?? 'true';
    if (value === 'true' || value === 'false') return value === 'true';
    throw wrongInput(name, value, 'true or false');
  }
}
