// What the action is told, read once and typed: as the options of `plumb reconcile`, and the secrets that it finds in its environment.
import { checkName } from '../../src/base/names.ts';
import { PlumbError } from '../../src/base/errors.ts';
import type { ReconcileOptions } from '../../src/cli/reconcile.ts';
import { readFolder, wrongInput } from '../job.ts';

export interface Inputs {
  /** folder of the project, absolute, inside the work space */
  readonly folder: string;
  readonly options: ReconcileOptions;
  /** of the process that reconcile believes to be: the token, and the key where there is one */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * @param get the text of an input, '' when it is not given
 * @throws PlumbError ACTION_INPUT, NAME_INVALID
 */
export function readInputs(get: (name: string) => string, workspace: string): Inputs {
  const text = (name: string): string | null => get(name).trim() || null;
  const [folder, token, key] = [readFolder(get('folder'), workspace), text('token'), text('signing-key')];
  const [model, reason, author, pin] = [text('break-glass'), text('reason'), text('author'), text('audit-key')];
  const stage = text('stage') ?? 'production';
  const start = text('start') ?? 'false';
  if (stage !== 'production' && stage !== 'staging') throw wrongInput('stage', stage, 'production or staging');
  if (start !== 'true' && start !== 'false') throw wrongInput('start', start, 'true or false');
  if (token === null) throw empty('token', 'leave it out: the token of the job is its default');
  if (model !== null) checkName('model', model);
  if (model !== null && reason === null) throw empty('reason', 'say why the glass is broken: it is kept in the log');
  return {
    folder,
    options: {
      ...(start === 'true' ? { start: true } : {}),
      ...(model === null ? {} : { breakGlass: model, stage }),
      ...(reason === null ? {} : { reason }),
      ...(author === null ? {} : { author }),
      ...(pin === null ? {} : { auditKey: pin }),
    },
    env: { PLUMB_FORGE_TOKEN: token, ...(key === null ? {} : { PLUMB_AUDIT_SIGNING_KEY: key }) },
  };
}

function empty(name: string, mend: string): PlumbError {
  return new PlumbError('ACTION_INPUT', { what: `the input ${name} is empty`, mend });
}
