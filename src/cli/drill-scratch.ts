// Where a drill plays: an origin of its own, made from what the main branch has now, in which the model before was served until a moment ago. It borrows the
// objects of this clone and can reach nothing else of production: not its origin, not its log, not its keys.
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { canonicalJson, canonicalJsonFile, type Json } from '../base/canonical.ts';
import { loadYaml } from '../base/config.ts';
import { digestOf, hexOf } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Git, Oid } from '../git/git.ts';
import { openGit } from '../git/open.ts';
import { commitFiles } from '../git/publish.ts';
import { publicText } from '../pipeline/attestation.ts';
import { files as projectFiles } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import { keySigner, planRecords, type DecisionDraft } from '../registry/audit-append.ts';
import { parsePolicyText } from '../registry/chain.ts';
import { findBranch, readLog } from '../registry/decision-log.ts';
import { parsePointer, placeOf, pointerText, type PointerPlace } from '../registry/pointer.ts';
import { commitTree } from '../registry/tree.ts';
import { findWayBack, type StepBack, type WayBack } from '../registry/way-back.ts';

export interface Scratch {
  /** absolute: the bare origin */
  readonly origin: string;
  /** the pointer that is rolled back, and those that go with it */
  readonly steps: readonly StepBack[];
  /** private key of the scratch log, PEM; null: production has no log, so the drill has none */
  readonly signingKey: string | null;
  /** what a reader should know of what is not rehearsed */
  readonly notes: readonly string[];
}

const somebody = { name: 'plumb drill', email: 'drill@localhost' };
const logBranch = 'plumb/audit';

/**
 * @param folder absolute, empty: all of it stands there
 * @throws PlumbError GIT_TOO_SHALLOW, NOTHING_TO_ROLL_BACK, GIT_REVISION_UNKNOWN, GIT_UNSUPPORTED
 */
export async function makeScratch(
  project: Project,
  place: PointerPlace,
  { folder, env }: { readonly folder: string; readonly env: NodeJS.ProcessEnv },
): Promise<Scratch> {
  const { git, prefix, config } = project;
  const tip = await mainTip(project);
  const way = await findWayBack(project, { place }, tip);
  const origin = await bareOrigin(git, folder, env);
  const scratch = await openGit(origin, env);
  const policy = await policyOf(project, tip);
  const key = policy === null ? null : generateKeyPairSync('ed25519').privateKey;
  const settings = new Map<string, Uint8Array>();
  const { remote } = config;
  if (remote !== undefined && !remote.includes('://') && !isAbsolute(remote)) {
    const { remote: _, ...rest } = loadYaml((await project.readTextAt(tip, projectFiles.config)) ?? '', projectFiles.config) as Record<string, Json>;
    settings.set(projectFiles.config, text({ ...rest, remote: resolve(project.root, remote) }));
  }
  if (policy !== null && key !== null) settings.set(projectFiles.policy, text(drillPolicy(policy.text, publicText(key))));
  const before = await commitOn(scratch, tip, prefix, [...settings, ...entriesOf(way)], 'drill: as it was before');
  const current = await commitOn(scratch, before, prefix, await entriesAt(git, tip, prefix, way), 'drill: the promotion');
  await setRef(scratch, 'refs/heads/main', current);
  if (key !== null) await writeLog(scratch, prefix, { before, current, way, signer: keySigner(key) });
  const pem = key?.export({ type: 'pkcs8', format: 'pem' });
  return { origin, steps: way.steps, signingKey: pem === undefined ? null : String(pem), notes: policy?.notes ?? [] };
}

async function mainTip({ git, config }: Project): Promise<Oid> {
  if (await git.isShallow())
    throw new PlumbError('GIT_TOO_SHALLOW', {
      what: 'a drill needs all of the history',
      mend: 'run `git fetch --unshallow`; in a workflow: fetch-depth: 0',
    });
  const ref = await findBranch(git, config.main);
  const tip = ref === null ? null : await git.resolve(ref);
  if (tip !== null) return tip;
  throw new PlumbError('GIT_REVISION_UNKNOWN', {
    what: `there is no branch ${config.main} here`,
    mend: 'fetch it, or name the right one in plumbline.yaml',
  });
}

/** Borrows the objects: a large history is there at once, and nothing can be written back to it. */
async function bareOrigin(git: Git, folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  const { execFile } = await import('node:child_process');
  const { promisify } = await import('node:util');
  const origin = join(folder, 'origin.git');
  const tip = await git.resolve('HEAD');
  const format = tip?.length === 64 ? 'sha256' : 'sha1';
  await promisify(execFile)('git', ['init', '--quiet', '--bare', '--template=', '--initial-branch=main', `--object-format=${format}`, origin], {
    env,
  });
  await mkdir(join(origin, 'objects', 'info'), { recursive: true });
  await writeFile(join(origin, 'objects', 'info', 'alternates'), `${join(git.gitDir, 'objects')}\n`);
  return origin;
}

/** The policy, where decisions are logged; null: they are not. */
async function policyOf({ git, ...project }: Project, tip: Oid): Promise<{ text: string; notes: string[] } | null> {
  const found = (await project.readTextAt(tip, projectFiles.policy)) ?? '';
  const policy = found === '' ? '' : parsePolicyText(found);
  if (typeof policy === 'string') return null;
  const signed = policy.audit !== undefined && policy.audit.keys.length + policy.audit.workflows.length > 0;
  if (!signed && (await findBranch(git, policy.audit?.branch ?? logBranch)) === null) return null;
  const asked = Object.values(policy.models).some((model) => [model.staging, model.production].some((rule) => (rule?.reverts.approvals ?? 0) > 0));
  return { text: found, notes: asked ? ['approvals of reverts, which the policy asks for, are not part of the drill'] : [] };
}

/** The same rules, with a key of the drill's own, and without what only a forge can tell. */
function drillPolicy(found: string, publicKey: string): Json {
  const { access: _, units: __, ...rest } = loadYaml(found, projectFiles.policy) as Record<string, Json>;
  const models = Object.entries((rest['models'] ?? {}) as Record<string, Record<string, Record<string, Json>>>).map(([name, rules]) => [
    name,
    Object.fromEntries(Object.entries(rules).map(([stage, rule]) => [stage, { ...rule, reverts: { approvals: 0, review: false } }])),
  ]);
  return { ...rest, models: Object.fromEntries(models) as Json, audit: { branch: logBranch, keys: [{ name: 'drill', public: publicKey }] } };
}

function text(value: Json): Uint8Array {
  return Buffer.from(canonicalJsonFile(value));
}

type Entry = readonly [path: string, bytes: Uint8Array | null];

function entriesOf({ files }: WayBack): Entry[] {
  return files.map(({ path, bytes }) => [path, bytes]);
}

/** The same files as the main branch has them. */
async function entriesAt(git: Git, tip: Oid, prefix: string, { files }: WayBack): Promise<Entry[]> {
  const bytes = await git.readBlobs(
    tip,
    files.map(({ path }) => prefix + path),
  );
  return files.map(({ path }, at) => [path, bytes[at] ?? null]);
}

function commitOn(git: Git, parent: Oid, prefix: string, entries: readonly Entry[], message: string): Promise<Oid> {
  return commitFiles(git, { parent, files: new Map(entries.map(([path, bytes]) => [prefix + path, bytes])), message, author: somebody });
}

async function setRef({ program }: Git, name: string, commit: Oid): Promise<void> {
  await program?.run(['update-ref', name, commit]);
}

/** What was served before the promotion, and the promotion, as if both had been decided. */
async function writeLog(
  git: Git,
  prefix: string,
  { before, current, way, signer }: { before: Oid; current: Oid; way: WayBack; signer: ReturnType<typeof keySigner> },
): Promise<void> {
  const moved = way.steps.map(({ place }) => place);
  for (const [kind, commit, wanted] of [
    ['start', before, null],
    ['promotion', current, moved],
  ] as const) {
    const ref = `refs/heads/${logBranch}`;
    const log = (await git.resolve(ref)) === null ? null : await readLog({ git, prefix, ref, main: current });
    const draft = await draftOf(git, prefix, { kind, commit, parent: kind === 'start' ? null : before, wanted });
    const plan = await planRecords({ git, prefix, log, drafts: [draft], signer });
    const files = new Map(plan.files.map(({ path, bytes }) => [path, Buffer.from(bytes)]));
    await setRef(git, ref, await commitFiles(git, { parent: plan.parent, files, message: plan.message, author: somebody }));
  }
}

interface DraftWish {
  readonly kind: 'start' | 'promotion';
  readonly commit: Oid;
  readonly parent: Oid | null;
  /** null: all pointers */
  readonly wanted: readonly PointerPlace[] | null;
}

async function draftOf(git: Git, prefix: string, { kind, commit, parent, wanted }: DraftWish): Promise<DecisionDraft> {
  const tree = commitTree(git, prefix, commit);
  const paths = (await tree.list(projectFiles.models)).filter((path) => {
    const place = placeOf(path);
    return place !== null && (wanted === null || wanted.some((one) => one.model === place.model && one.stage === place.stage));
  });
  const blobs = await tree.read([...paths, projectFiles.policy]);
  const moves: DecisionDraft['moves'] = [];
  const subject: DecisionDraft['subject'] = [];
  for (const [at, path] of paths.entries()) {
    const [place, bytes] = [placeOf(path), blobs[at] ?? null];
    const pointer = place === null || bytes === null ? null : await parsePointer(pointerText(bytes), place).catch(() => null);
    if (place === null || bytes === null || pointer === null) continue;
    subject.push({ name: path, digest: { sha256: hexOf(digestOf(bytes)) } });
    moves.push({ ...place, kind: 'promotion', from: null, to: pointer.artifact.digest, pointer: digestOf(bytes), served: true });
  }
  const byPlace = (move: { model: string; stage: string }): string => `${move.model}\0${move.stage}`;
  return {
    at: (await git.readCommit(commit)).date.toISOString(),
    repository: 'local',
    branch: 'main',
    commit,
    parent,
    kind,
    moves: moves.toSorted((a, b) => (byPlace(a) < byPlace(b) ? -1 : 1)),
    revoked: [],
    policy: digestOf(blobs.at(-1) ?? canonicalJson(null)),
    holds: true,
    points: [],
    pull: null,
    approvals: [],
    reason: 'a drill',
    by: { kind: 'key', name: 'drill', run: null },
    subject: subject.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}
