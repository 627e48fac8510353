// What of a machine goes into a fingerprint, and what is only told.
import { cpus, hostname, release, userInfo } from 'node:os';
import type { Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { JsonValue } from '../base/schema.ts';
import type { AnyStep } from '../base/step.ts';
import { files } from '../project/layout.ts';
import { domainText, isCi, type Environment, type TrustDomain } from '../project/trust-domain.ts';
import { readJob } from './ci-job.ts';
import type { BoundStage } from './graph.ts';
import type { RunRecord } from './run-record.ts';
import type { PipelineConfig } from './schema.ts';
import type { SourceTree } from './source-tree.ts';

/** Lock files that pin what a command runs with; the ones at the project's root count without being named. */
export const wellKnownLockfiles: readonly string[] = [
  'Cargo.lock',
  'Gemfile.lock',
  'Pipfile.lock',
  'conda-lock.yml',
  'environment.yml',
  'go.sum',
  'package-lock.json',
  'pdm.lock',
  'pixi.lock',
  'pnpm-lock.yaml',
  'poetry.lock',
  'renv.lock',
  'requirements.txt',
  'uv.lock',
  'yarn.lock',
];

interface Surroundings {
  readonly config: PipelineConfig;
  readonly tree: SourceTree;
  /** YYYY-MM-DD, by the clock of whoever runs: nothing that a branch says moves it */
  readonly day: string;
}

/** In a fingerprint: the latest last day of a step's files that has passed. */
export const passedDay = 'last day passed';

async function daysOfStep(step: AnyStep, given: JsonValue, { tree, day }: Omit<Surroundings, 'config'>): Promise<Record<string, string>> {
  const days = await step.lastDays?.(given, async (path) => (await tree.readText(path)) ?? '');
  const passed = (days ?? []).filter((last) => last < day).toSorted();
  const latest = passed.at(-1);
  return latest === undefined ? {} : { [passedDay]: latest };
}

/**
 * What of the environment determines a command's outputs. Of a built-in step it is the last days that passed; its version says all else, its arithmetic is
 * the same everywhere.
 * Left out, because nobody can name them all: the operating system, drivers, installed programs, variables that the stage does not list under `env`.
 * @throws PlumbError PIPELINE_DEP_MISSING for a lock file that pipeline.yaml names and that is not there
 */
export async function fingerprintedEnvironment(stage: BoundStage, { config, tree, day }: Surroundings): Promise<Record<string, string>> {
  const { spec } = stage;
  if (stage.step !== null) return daysOfStep(stage.step, stage.arguments, { tree, day });
  const facts: Record<string, string> = { ...(await lockFiles(config, tree)) };
  if (spec.resources.image !== undefined) facts['image'] = spec.resources.image;
  if (spec.resources.gpus > 0) facts['accelerator'] = `${spec.resources.gpus} GPU`;
  for (const [name, value] of Object.entries(spec.env)) facts[`env ${name}`] = value;
  return facts;
}

/** They are the same for every stage of a tree: looked for once. */
function lockFiles(config: PipelineConfig, tree: SourceTree): Promise<Record<string, Digest>> {
  const found = known.get(tree) ?? findLockFiles(config.environment?.lockfiles, tree);
  known.set(tree, found);
  return found;
}

const known = new WeakMap<SourceTree, Promise<Record<string, Digest>>>();

async function findLockFiles(named: readonly string[] | undefined, tree: SourceTree): Promise<Record<string, Digest>> {
  const digests: Record<string, Digest> = {};
  for (const path of named ?? wellKnownLockfiles) {
    if (await tree.exists(path)) digests[path] = (await tree.facts(path)).digest;
    else if (named !== undefined) {
      throw new PlumbError('PIPELINE_DEP_MISSING', {
        what: `environment.lockfiles names ${path}, which is not there`,
        where: { file: files.pipeline },
        mend: 'correct the name',
      });
    }
  }
  return digests;
}

export function describeMachine(version: string): Omit<RunRecord['environment'], 'fingerprinted'> {
  const all = cpus();
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch} ${release()}`,
    cpus: `${all.length} x ${all[0]?.model.trim() ?? 'unknown'}`,
    plumbline: version,
  };
}

/** Who makes a record. @param event parsed GITHUB_EVENT_PATH */
export function describeBuilder(env: Environment, event: unknown, domain: TrustDomain): RunRecord['builder'] {
  // records go into git history for ever: what a person's machine and account are called is not ours to write there
  if (!isCi(env) && domain.kind === 'laptop') return { kind: 'laptop' };
  const job = readJob(env, event);
  return {
    kind: 'ci',
    host: hostname(),
    user: userName(),
    ...(domain.kind === 'laptop' ? {} : { domain: domainText(domain) }),
    ...(job === null ? {} : { repository: job.repository, ref: job.ref, commit: job.commit, runId: job.runId, attempt: job.attempt }),
    ...(job === null || job.workflowPath === null ? {} : { workflow: job.workflowPath }),
  };
}

/**
 * The environment of what a stage starts. In a job of CI the code that runs there may be anybody's: it gets nothing that signs for the job, speaks for
 * it at the forge, or writes into the steps that follow. A token that a stage needs (to fetch a base model, say) has a name of its own.
 * Source: docs.github.com, "Variables reference" and "Workflow commands"; actions/toolkit, packages/core
 */
export function stageEnvironment(env: Environment): Environment {
  const inJob = isCi(env);
  const kept = Object.entries(env).filter(([name]) => !ours.test(name) && !(inJob && ofJob.test(name)));
  return Object.fromEntries(kept);
}

/** What speaks in our name: no stage has a use for it, wherever it runs. */
const ours = /^PLUMB_(?:SIGNING_KEY|FORGE_TOKEN|WEBHOOK_SECRET)$/i;
const ofJob =
  /^(?:ACTIONS_|INPUT_|STATE_)|^(?:GITHUB|GITEA|GH|FORGEJO)_TOKEN$|^(?:GITHUB|GITEA)_(?:ENV|OUTPUT|PATH|STEP_SUMMARY|STATE)$|^PLUMB_REGISTRY_PASSWORD$/i;

/** For a command of the pipeline: keys of built-in steps are none of its business. */
export function withoutKeys(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^PLUMB_PII_KEY$/i.test(name)));
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // a container may run as a number that has no name
    return String(process.getuid?.() ?? 'unknown');
  }
}
