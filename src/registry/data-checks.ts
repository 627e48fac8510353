// Was everything that a model was trained on looked at? By the run records alone: a run of a check has a record only where the check held, and the records of
// what was trained and evaluated lead to it, for the check had to end well before. It is bound to the bytes that it read, not to a time.
import { canonicalJson } from '../base/canonical.ts';
import { shortDigest, type Digest } from '../base/digest.ts';
import type { JsonValue } from '../base/schema.ts';
import { formatOfName } from '../datasets/row-format.ts';
import type { RunInput, RunRecord } from '../pipeline/run-record.ts';
import { oneLine } from './one-line.ts';
import { chainOf, earlierRuns } from './run-chain.ts';
import type { Policy } from './schema.ts';

type DataPolicy = NonNullable<Policy['data']>;

/** A model by the runs that made and evaluated it, and all runs before these. */
export interface TrainedModel {
  readonly run: Digest;
  /** a check that only this one waited for looked at the same bytes, and counts */
  readonly evaluation: Digest;
  readonly runs: ReadonlyMap<Digest, RunRecord>;
}

/** Inputs of a check that it judges. What it reads beside them (a sidecar, a reference, rules) was not looked at. */
const judgedInputs: ReadonlySet<string> = new Set(['data', 'train']);
/** Checks that `columns` make look at less. Where the policy names none, it means them all. */
const lookAtAll: ReadonlySet<string> = new Set(['plumb/pii', 'plumb/secrets']);

/**
 * What the policy asks of data and does not find, one sentence each, without the full stop. Every way from a data set to the model must lead through rows that
 * each check has looked at: the data set itself, or what a stage made of it (the redacted rows). A run that is not known was not looked at by anybody.
 */
export function findDataFaults({ require: required, except }: DataPolicy, model: TrainedModel): string[] {
  return required.flatMap((one) => {
    const asked = typeof one === 'string' ? { check: one, with: {} } : one;
    const checks = checkRuns(asked, model);
    const looked = new Set(checks.flatMap((run) => judgedOf(run)));
    const unseen = unseenInputs(model, { looked, except: new Set(except) });
    return [...unseen].map((what) => `${what} was not looked at by ${nameOf(asked)}`);
  });
}

/** What these checks read from data sets: as it says who said yes, it must be what the main branch has. */
export function dataOfChecks({ require: required }: DataPolicy, model: TrainedModel): { readonly ref: string; readonly digest: Digest }[] {
  const runs = required.flatMap((one) => checkRuns(typeof one === 'string' ? { check: one, with: {} } : one, model));
  return runs.flatMap(({ inputs }) => Object.values(inputs).flatMap(({ kind, ref, digest }) => (kind === 'data' ? [{ ref, digest }] : [])));
}

interface AskedCheck {
  readonly check: string;
  readonly with: Readonly<Record<string, JsonValue>>;
}

/** Runs of a check that had to end well before the model was made, or evaluated. */
function checkRuns({ check, with: wanted }: AskedCheck, { run, evaluation, runs }: TrainedModel): RunRecord[] {
  return [...chainOf([run, evaluation], runs, earlierRuns).values()].filter(({ command }) => {
    if (!('uses' in command) || command.uses !== check) return false;
    const given = argumentsOf(command.with);
    const asked = lookAtAll.has(check) ? { columns: null, ...wanted } : wanted;
    // null: the argument must not be given
    return Object.entries(asked).every(
      ([name, value]) => canonicalJson(Object.hasOwn(given, name) ? (given[name] ?? null) : null) === canonicalJson(value),
    );
  });
}

function argumentsOf(given: JsonValue): Readonly<Record<string, JsonValue>> {
  return given !== null && typeof given === 'object' && !Array.isArray(given) ? given : {};
}

/** What a check says well of: what it read, but where it rewrites rows only what it wrote, for what it read may hold anything. */
function judgedOf({ command, inputs, outputs }: RunRecord): Digest[] {
  const rewrites = 'uses' in command && command.uses === 'plumb/pii' && (argumentsOf(command.with)['rewrite'] ?? null) !== null;
  if (rewrites) return outputs['data'] === undefined ? [] : [outputs['data'].digest];
  return Object.entries(inputs).flatMap(([name, { digest }]) => (judgedInputs.has(name) ? [digest] : []));
}

function nameOf({ check, with: wanted }: AskedCheck): string {
  const names = Object.keys(wanted);
  return names.length === 0
    ? check
    : `${check} with ${names.map((name) => `${name}: ${oneLine(canonicalJson(wanted[name] ?? null), 80)}`).join(', ')}`;
}

/** In words, each once. */
function unseenInputs({ run, runs }: TrainedModel, { looked, except }: { looked: ReadonlySet<Digest>; except: ReadonlySet<string> }): Set<string> {
  const unseen = new Set<string>();
  const visited = new Set<Digest>();
  const visit = (digest: Digest): void => {
    if (visited.has(digest)) return;
    visited.add(digest);
    const record = runs.get(digest);
    if (record === undefined) {
      unseen.add(`whatever the run ${shortDigest(digest)} read, whose record is not there,`);
      return;
    }
    for (const input of Object.values(record.inputs)) {
      if (looked.has(input.digest)) continue;
      if (input.kind === 'output' && input.run !== undefined) visit(input.run);
      else if (mayHoldRows(input, record) && !(input.kind !== 'output' && except.has(input.ref)))
        unseen.add(`${wordsOf(input)}, which stage ${oneLine(record.stage, 80)} read,`);
    }
  };
  visit(run);
  return unseen;
}

/** Forms in which rows come, and which no check reads. */
const otherRows = /\.(?:tsv|arrow|feather|avro|orc|npy|npz|h5|hdf5|tfrecord|xlsx|db|sqlite3?|lmdb|pkl|pickle|gz|tgz|zst|bz2|xz|zip|tar)$/i;

/** Code and settings, by their names. */
const code =
  /\.(?:py|pyi|pyx|ipynb|sh|bash|zsh|ps1|bat|cmd|js|mjs|cjs|jsx|ts|mts|cts|tsx|r|rmd|jl|rs|go|c|h|cc|cpp|hpp|cu|cuh|java|kt|kts|scala|swift|rb|pl|lua|php|sql|proto|cmake|mk|gradle|dockerfile|ya?ml|toml|ini|cfg|conf|properties|lock)$/i;
const codeNames =
  /^(?:makefile|dockerfile|justfile|cmakelists\.txt|(?:requirements|constraints)[\w.-]*\.txt|package(?:-lock)?\.json|[jt]sconfig[\w.-]*\.json)$/i;

/**
 * A command may read any file as rows, whatever it is called, and what is in a folder nobody has looked at: of files of the repository only what is code or
 * settings by its name is none. The files that a built-in step reads are its settings, unless they are files of rows; the base must have them.
 */
function mayHoldRows({ kind, ref }: RunInput, { command }: RunRecord): boolean {
  if (kind !== 'file') return true;
  if ('uses' in command) return formatOfName(ref) !== null || otherRows.test(ref);
  return !code.test(ref) && !codeNames.test(ref.slice(ref.lastIndexOf('/') + 1));
}

function wordsOf({ kind, ref, digest }: RunInput): string {
  const name = `"${oneLine(ref, 80)}"`;
  return kind === 'data'
    ? `the data set ${name} (${shortDigest(digest)})`
    : kind === 'file'
      ? `the file or folder ${name} (no code by its name; \`except\` of the policy may name it)`
      : `the output ${name}`;
}
