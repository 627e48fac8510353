// Every mistake that a user, a file, a machine or another program can make has a code here. A mistake of ours is a plain Error.

/** What a process of ours says when it ends; documented in docs/reference/errors.md, which is made from this table. */
export const exitCodes = {
  ok: 0,
  no: 1,
  usage: 2,
  input: 3,
  bytes: 4,
  stage: 5,
  machine: 6,
  busy: 7,
  bug: 70,
  interrupted: 130,
} as const;

export type Exit = keyof typeof exitCodes;

export const exitMeanings: Record<Exit, string> = {
  ok: 'done',
  no: 'the answer is no: the gate does not hold, verify found a fault, check found a difference',
  usage: 'the command line is wrong',
  input: 'a file, a row, a name or a digest is wrong; nothing was changed',
  bytes: 'bytes are missing or differ from their digest',
  stage: 'a stage of the pipeline failed',
  machine: 'this machine lacks something: git, a newer Node, space on the disk, a permission',
  busy: 'another plumb is at work here, or the files changed meanwhile',
  bug: 'a mistake of ours: please report it with --debug',
  interrupted: 'ctrl-C or a termination signal; all is left in order',
};

/** code -> [exit, one sentence for the reference]. The only list of codes. */
export const errorTable = {
  USAGE: ['usage', 'The command line is not understood.'],
  INTERRUPTED: ['interrupted', 'The command was stopped by a signal.'],
  NO_GIT_REPOSITORY: ['machine', 'The folder is in no git repository.'],
  GIT_FAILED: ['machine', 'git ended with an error.'],
  GIT_REVISION_UNKNOWN: ['input', 'A revision names no commit of this repository.'],
  GIT_REVISION_AMBIGUOUS: ['input', 'A revision names several things of this repository.'],
  GIT_TOO_SHALLOW: ['input', 'A shallow clone lacks the history that the command needs.'],
  GIT_NEEDS_WORK_TREE: ['input', 'The command needs a work tree and the repository is bare.'],
  GIT_DIRTY: ['busy', 'Uncommitted changes stand in the way.'],
  GIT_CONFLICT: ['input', 'git could not apply the change cleanly.'],
  GIT_NOTHING_TO_COMMIT: ['input', 'The files are as the last commit has them.'],
  GIT_BRANCH_EXISTS: ['input', 'A branch of that name is there already.'],
  GIT_REMOTE_MISSING: ['input', 'The repository has no remote of that name.'],
  GIT_REMOTE_FAILED: ['machine', 'A git remote did not answer as it should.'],
  GIT_REMOTE_DENIED: ['machine', 'A git remote refuses who asks.'],
  GIT_PUSH_REFUSED: ['no', 'A rule or a hook of a git remote refuses a push.'],
  GIT_UNSUPPORTED: ['machine', 'The repository needs the git command, which is not there.'],
  NOT_A_PROJECT: ['input', 'No plumbline.yaml in this folder or above.'],
  ALREADY_A_PROJECT: ['input', 'The folder is a Plumbline project already.'],
  TEMPLATE_UNKNOWN: ['usage', 'No template of that name.'],
  FILES_IN_THE_WAY: ['input', 'Files that would be written are there already, with other content.'],
  CONFIG_INVALID: ['input', 'A configuration file does not have the documented shape.'],
  CONFIG_MISSING: ['input', 'A configuration file is not there.'],
  YAML_SYNTAX: ['input', 'A YAML file does not parse.'],
  JSON_SYNTAX: ['input', 'A JSON file does not parse.'],
  NAME_INVALID: ['input', 'A name holds characters that names may not hold.'],
  PATH_OUTSIDE: ['input', 'A path leads outside the repository, by .., as an absolute path or through a symlink.'],
  FILE_MISSING: ['input', 'A file or folder is not there.'],
  FILE_UNREADABLE: ['machine', 'A file cannot be read or written.'],
  FILE_KIND: ['input', 'A socket, device or other special file where a file or folder is expected.'],
  FILE_CHANGED: ['busy', 'A file was changed while it was being read.'],
  DISK_FULL: ['machine', 'The disk is full.'],
  DIGEST_INVALID: ['input', 'A text is no sha256 digest.'],
  DIGEST_MISMATCH: ['bytes', 'Bytes differ from their digest.'],
  BYTES_MISSING: ['bytes', 'Bytes are neither in the cache nor in the remote that was asked.'],
  REMOTE_MISSING: ['input', 'No remote is configured.'],
  REMOTE_FAILED: ['bytes', 'A remote did not answer as it should.'],
  REMOTE_DENIED: ['bytes', 'A remote refuses who asks.'],
  REMOTE_READ_ONLY: ['input', 'The remote can only be read.'],
  REMOTE_OF_BRANCH: ['no', 'A job on a pull request asks the remote of its base only, and the base is not there or names none.'],
  REMOTE_CANNOT: ['input', 'The remote is of a kind that cannot do this.'],
  REPOSITORY_BUSY: ['busy', 'Another plumb holds the lock of this repository, or the branch moved while a promotion was decided.'],
  DATASET_UNKNOWN: ['input', 'No data set of that name in datasets.lock.'],
  DATASET_MODIFIED: ['input', 'A working copy differs from datasets.lock.'],
  DATASET_FORMAT: ['input', 'The format of a data file is not known.'],
  DATASET_EMPTY: ['input', 'A data file holds no rows.'],
  DATASET_TAKEN: ['input', 'A data set of that name, or of that path, is locked already.'],
  DATASET_COLUMN: ['input', 'A column that is named is not in the rows.'],
  MANIFEST_INVALID: ['bytes', 'An object that should be a manifest is none.'],
  PACK_INVALID: ['bytes', 'A pack does not have the documented form.'],
  RECEIPT_INVALID: ['bytes', 'What a remote has as a receipt is none.'],
  LOCK_CONFLICT: ['input', 'datasets.lock holds an unresolved merge.'],
  MERGE_CONFLICT: ['no', 'Two versions of a data set changed the same row or file in different ways.'],
  ROW_SYNTAX: ['input', 'A row does not parse.'],
  ROW_ENCODING: ['input', 'A row is not UTF-8.'],
  ROW_RAGGED: ['input', 'A CSV row has more or fewer fields than the header.'],
  ROW_KEY: ['input', 'A row has no key, or its key stands twice.'],
  REVIEW_INVALID: ['input', 'A file below reviews/ was changed, or does not have the documented shape.'],
  REVIEW_ANNOTATOR: ['input', 'It is not known who reviews, or who does may not decide this.'],
  REVIEW_IMPORT: [
    'input',
    'A file of another annotation tool does not have the shape that the tool documents, or its rows are not those of the data set.',
  ],
  RULES_BROKEN: ['no', 'Rows break rules whose severity is error.'],
  PARTS_INVALID: ['input', 'Parts of a validation do not belong together, or one is missing or damaged.'],
  SPARK_FAILED: ['machine', 'Spark did not answer.'],
  PII_FOUND: ['no', 'Rows hold personal data that pii.yaml flags.'],
  PII_KEY: ['input', 'The key of personal data is not there, or is another one.'],
  RECOGNISER_FAILED: ['machine', 'A recogniser of personal data did not answer as it should.'],
  DATA_DRIFTED: ['no', 'Columns drifted from the data that they are compared with, and drift is an error there.'],
  SECRET_RULES: ['input', 'A file of rules for secrets is not what gitleaks reads.'],
  SECRETS_FOUND: ['no', 'Texts hold secrets.'],
  DUPLICATES_FOUND: ['no', 'Rows say what other rows say, or the same text has two labels, at severity error.'],
  LEAKS_FOUND: ['no', 'Training rows hold what evaluation rows ask.'],
  CODE_FINDINGS: ['no', 'Code or conversations break what they are held to.'],
  PROVENANCE_LACKING: ['no', 'Rows lack what is required of their provenance.'],
  PROVENANCE_INVALID: ['input', 'A sidecar of provenance does not have the documented shape.'],
  ROW_UNKNOWN: ['input', 'No row is what was asked for.'],
  LINEAGE_INVALID: ['bytes', 'An output that should say which rows were made of which says something else.'],
  PIPELINE_CYCLE: ['input', 'Stages depend on each other in a circle.'],
  PIPELINE_DEP_MISSING: ['input', 'A stage depends on something that is neither a file, a data set nor an output.'],
  PIPELINE_OUT_TWICE: ['input', 'Two stages write one output.'],
  OUT_TRACKED: ['input', 'git tracks an output of a stage.'],
  STAGE_UNKNOWN: ['usage', 'No stage of that name in pipeline.yaml.'],
  STAGE_FAILED: ['stage', 'A stage failed.'],
  STAGE_OUT_MISSING: ['stage', 'A stage ended well but an output that it names is not there.'],
  STEP_UNKNOWN: ['input', 'No built-in step of that name.'],
  PARAM_MISSING: ['input', 'A hyperparameter that a stage reads is not in params.yaml.'],
  RUN_MISSING: ['input', 'No run record for this: it has not been run yet.'],
  RUN_DOMAIN: ['usage', 'It is not clear whose runs a job of CI may reuse.'],
  SIGNING_KEY: ['input', 'A key for signing run records, or for verifying them, is none.'],
  SIGNING_FAILED: ['machine', 'Run records could not be signed.'],
  RUN_RECORD_INVALID: ['bytes', 'A run record does not have the documented shape or digest.'],
  STAT_NOT_A_COUNT: ['input', 'A count is negative or not whole.'],
  TRAIN_DATA: ['input', 'The training rows cannot be learned from.'],
  MODEL_INVALID: ['input', 'A model file is not what it should be.'],
  MODEL_UNKNOWN: ['input', 'No model of that name.'],
  MODEL_FILE_REFUSED: ['no', 'A file of a model is of a format that may hold code, or names code.'],
  SUITE_DATA: ['input', 'A row of a suite has no input or no expected answer.'],
  SUITE_MISMATCH: ['input', 'Results of different cases cannot be compared.'],
  GATE_FAILED: ['no', 'The gate does not hold.'],
  POINTER_INVALID: ['input', 'A pointer does not have the documented shape.'],
  POINTER_MISSING: ['input', 'No pointer for that model and stage.'],
  EVIDENCE_INVALID: ['no', 'The evidence of a pointer does not hold together.'],
  PROMOTION_REFUSED: ['no', 'The promotion is refused.'],
  AUDIT_MISSING: ['input', 'This clone has no log of decisions.'],
  AUDIT_INVALID: ['no', 'The log of decisions, or an export of it, does not hold together.'],
  AUDIT_REWRITTEN: ['no', 'The log of decisions, or the history that it is about, was rewritten.'],
  AUDIT_BEHIND: ['busy', 'The main branch of this clone is older than the log of decisions.'],
  AUDIT_SIGNER: ['input', 'Who would sign the log of decisions may not, or nobody would.'],
  AUDIT_TIME: ['usage', 'What should be a time or a commit is none.'],
  NOTHING_TO_ROLL_BACK: ['input', 'The pointer has no earlier model in this history.'],
  SERVE_FAILED: ['machine', 'The server could not start.'],
  REQUEST_INVALID: ['input', 'A prediction request is not understood.'],
  MODEL_NOT_READY: ['busy', 'A model is named by a pointer, but the server has not loaded it yet.'],
  MODEL_REVOKED: ['no', 'A model was taken out for good.'],
  WEBHOOK_REFUSED: ['no', 'What came to the webhook is not signed with its secret.'],
  WEBHOOK_REPLAYED: ['no', 'A delivery came to the webhook again.'],
  WEBHOOK_LIMIT: ['busy', 'More deliveries came to the webhook than it takes.'],
  SERVER_BUSY: ['busy', 'The server has as many predictions to make as it takes at once.'],
  FORGE_UNKNOWN: ['input', 'It is not known which forge a repository is on.'],
  FORGE_TOKEN: ['input', 'There is no token for a forge, or it is one that cannot do what it is wanted for.'],
  FORGE_FAILED: ['machine', 'A forge did not answer as it should.'],
  FORGE_DENIED: ['machine', 'A forge refuses the token, or the token lacks a permission.'],
  FORGE_LIMIT: ['input', 'A pull request holds more than a forge lists.'],
  FORGE_REFUSED: ['no', 'A rule of the repository on the forge is in the way.'],
  FORGE_MOVED: ['busy', 'A pull request does not end with the commit that was looked at any more.'],
  FORGE_BUSY: ['busy', 'A forge wants us to wait longer than a job should.'],
  CI_BUDGET: ['no', 'A pull request would start more jobs, or take more machine time, than the policy of its base allows.'],
  CI_MATRIX_LIMIT: ['input', 'More jobs would have to run side by side than a matrix of a CI has.'],
  ACTION_INPUT: ['usage', 'An input of an action is not understood.'],
  ACTION_EVENT: ['usage', 'An action cannot work for the event that started its workflow.'],
  ACTION_PLUMB: ['machine', 'An action cannot start plumb, or does not understand its answer.'],
} as const satisfies Record<string, readonly [Exit, string]>;

export type ErrorCode = keyof typeof errorTable;

/** Where the trouble is. Lines and columns count from 1; rows count from 1 (the header of a CSV is not a row). */
export interface Where {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly row?: number;
  readonly path?: string;
}

export interface ErrorText {
  /** One sentence: what is wrong, with the value and what was expected. */
  readonly what: string;
  /** One sentence: what to do. */
  readonly mend: string;
  readonly where?: Where;
  readonly cause?: unknown;
  /** Facts for --json, beyond the sentence. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The one error that users see: a code of the table, what and where, how to mend. Catch by code, never by message. */
export class PlumbError extends Error {
  readonly code: ErrorCode;
  readonly where: Where | undefined;
  readonly mend: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, text: ErrorText) {
    super(text.what, text.cause === undefined ? {} : { cause: text.cause });
    this.name = 'PlumbError';
    this.code = code;
    this.where = text.where;
    this.mend = text.mend;
    this.details = text.details;
  }

  get exitCode(): number {
    return exitCodes[errorTable[this.code][0]];
  }

  toJSON(): Record<string, unknown> {
    return { code: this.code, what: this.message, where: this.where, mend: this.mend, details: this.details };
  }
}

export function isPlumbError(error: unknown, code?: ErrorCode): error is PlumbError {
  return error instanceof PlumbError && (code === undefined || error.code === code);
}

/** The errno of a Node system error ('ENOENT', 'ENOSPC', ...), or undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const machineLimits: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'ENAMETOOLONG', 'EACCES', 'EPERM', 'EROFS', 'EIO']);

/**
 * A disk that is full, a path that is too long and a folder that may not be read are no mistakes of ours, whoever met them and did not say: the error
 * that users see; anything else comes back as it is.
 * @param place where it was met, when the error itself does not know
 */
export function machineLimit(error: unknown, place: string): unknown {
  if (!machineLimits.has(errnoOf(error) ?? '')) return error;
  const { path, syscall } = error as NodeJS.ErrnoException;
  return systemError(error, syscall ?? 'write', path ?? place);
}

/** Of a path that is said because it is too long. */
const mostPath = 400;

/**
 * Turns a system error about a path into the one that users see; anything else comes back as it is.
 * @param doing what we were at, for the sentence: 'read', 'write'
 */
export function systemError(error: unknown, doing: string, path: string): unknown {
  const errno = errnoOf(error);
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new PlumbError('DISK_FULL', {
      what: `cannot ${doing} ${path}: no space is left on its disk`,
      where: { file: path },
      mend: 'make room and run the command again; what was complete before is still there',
      cause: error,
    });
  }
  if (errno === 'ENOENT' || errno === 'ENOTDIR') {
    return new PlumbError('FILE_MISSING', {
      what: `${path} is not there`,
      where: { file: path },
      mend: 'check the spelling of the path',
      cause: error,
    });
  }
  if (errno === 'ENAMETOOLONG') {
    return new PlumbError('NAME_INVALID', {
      what: `cannot ${doing} ${JSON.stringify(path.length > mostPath ? `${path.slice(0, mostPath)}...` : path)}: the path, or a name in it, is too long here`,
      mend: 'give it a shorter name, or move the project to where paths are shorter',
      cause: error,
    });
  }
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS' || errno === 'EISDIR' || errno === 'EIO') {
    return new PlumbError('FILE_UNREADABLE', {
      what: `cannot ${doing} ${path}: ${errno}`,
      where: { file: path },
      mend: 'check who owns the file and whether its disk is writable',
      cause: error,
    });
  }
  return error;
}
