// The log of a busy team: a thousand promotions, each with its evidence and its signed record, in a repository that git fast-import made. How long do the
// questions of an auditor take? Prints a Markdown table: whole processes, wall seconds and the processor's.
// Usage: node bench/audit/thousand.ts [promotions, 1000 unless told]
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { digestOf } from '../../src/base/digest.ts';
import { openGit } from '../../src/git/open.ts';
import { publicText } from '../../src/pipeline/attestation.ts';
import { keySigner, planRecords, type DecisionDraft } from '../../src/registry/audit-append.ts';
import { recordPath } from '../../src/registry/audit-record.ts';
import { artifactOf, policyText, promotionInput } from '../../src/registry/example.fixture.ts';
import { pointerPath, serialisePointer } from '../../src/registry/pointer.ts';
import { planPromotion } from '../../src/registry/promotion.ts';
import type { Pointer } from '../../src/registry/schema.ts';

const count = Number(process.argv[2] ?? 1000);
const plumb = fileURLToPath(new URL('../../bin/plumb.js', import.meta.url));
const script = fileURLToPath(new URL('../../tests/verify_audit.py', import.meta.url));
const env = { ...process.env, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
const run = promisify(execFile);

interface FileChange {
  readonly path: string;
  readonly bytes: string;
}

/** A stream for fast-import: commits one after the other on a branch, a minute apart. */
function importStream(branch: string, commits: readonly (readonly FileChange[])[], from: string | null): Buffer {
  const parts: string[] = [];
  const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;
  for (const [at, changes] of commits.entries()) {
    parts.push(`commit refs/heads/${branch}\n`, `committer Bench <bench@example.org> ${1_760_000_000 + 60 * at} +0000\n`, data(`commit ${at}`));
    if (at === 0 && from !== null) parts.push(`from ${from}\n`);
    for (const { path, bytes } of changes) parts.push(`M 100644 inline ${path}\n`, data(bytes));
  }
  return Buffer.from(parts.join(''));
}

const { privateKey } = generateKeyPairSync('ed25519');
const policy = `${policyText}audit:\n  keys:\n    - { name: log, public: "${publicText(privateKey)}" }\n`;
const folder = await mkdtemp(join(tmpdir(), 'plumb-bench-audit-'));
const top = join(folder, 'repository.git');
try {
  await run('git', ['init', '-q', '--bare', '-b', 'main', top], { env });
  const { commits, pointers } = await promotions();
  execFileSync('git', ['fast-import', '--quiet'], { cwd: top, env, input: importStream('main', commits, null) });
  const oids = execFileSync('git', ['rev-list', '--first-parent', '--reverse', 'main'], { cwd: top, env, encoding: 'utf8' }).trim().split('\n');
  const git = await openGit(top, env);
  const drafts = [draft(oids, 0, null), ...pointers.map((pointer, at) => draft(oids, at + 1, { pointer, before: pointers[at - 1] ?? null }))];
  const { files } = await planRecords({ git, prefix: '', log: null, drafts, signer: keySigner(privateKey) });
  const records = files.map((file): readonly FileChange[] => [file]);
  execFileSync('git', ['fast-import', '--quiet'], { cwd: top, env, input: importStream('plumb/audit', records, null) });
  execFileSync('git', ['gc', '--quiet'], { cwd: top, env });
  const out = join(folder, 'export');
  const rows = [
    measure('node -e 0 (the floor)', ['-e', '0']),
    measure('plumb audit verify', [plumb, 'audit', 'verify']),
    measure('plumb audit at (half way back)', [plumb, 'audit', 'at', `HEAD~${Math.floor(count / 2)}`]),
    measure('plumb audit log', [plumb, 'audit', 'log']),
    measure('plumb audit export', [plumb, 'audit', 'export', out]),
    measure('plumb audit verify of the export', [plumb, 'audit', 'verify', out]),
    measure('verify_audit.py of the export (Ed25519 in pure Python)', [script, out], 'python3'),
    measure('plumb verify --history', [plumb, 'verify', '--history']),
  ];
  console.log(`## A log of ${count} promotions (${recordPath(count)} is its last record)\n`);
  console.log(['| whole process | seconds | processor seconds |', '| --- | --- | --- |', ...rows].join('\n'));
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function promotions(): Promise<{ commits: FileChange[][]; pointers: Pointer[] }> {
  const commits: FileChange[][] = [
    [
      { path: 'plumbline.yaml', bytes: 'version: 1\n' },
      { path: 'policy.yaml', bytes: policy },
    ],
  ];
  const pointers: Pointer[] = [];
  for (let at = 0; at < count; at += 1) {
    const order = { model: 'other', candidate: { name: `model ${at}`, right: 100 }, current: pointers.at(-1) ?? null, policyText: policy };
    const { files, pointer } = await planPromotion(promotionInput({ ...order, at: new Date(1_760_000_000_000 + 60_000 * at) }));
    commits.push(files.map(({ path, bytes }) => ({ path, bytes })));
    pointers.push(pointer);
  }
  return { commits, pointers };
}

function draft(oids: readonly string[], at: number, move: { pointer: Pointer; before: Pointer | null } | null): DecisionDraft {
  const place = { model: 'other', stage: 'production' as const };
  const pointer = move === null ? null : digestOf(serialisePointer(move.pointer));
  return {
    at: new Date(1_760_000_000_000 + 60_000 * at).toISOString(),
    repository: 'acme/intents',
    branch: 'main',
    commit: oids[at] ?? '',
    parent: oids[at - 1] ?? null,
    kind: move === null ? 'start' : 'promotion',
    moves:
      move === null
        ? []
        : [
            {
              ...place,
              kind: 'promotion',
              from: move.before?.artifact.digest ?? null,
              to: digestOf(artifactOf({ name: `model ${at - 1}`, right: 100 })),
              pointer,
              served: true,
            },
          ],
    revoked: [],
    policy: digestOf(policy),
    holds: true,
    points: (
      [
        'files',
        'pointers',
        'evidence',
        'bytes',
        'signatures',
        'report',
        'gate',
        'inputs',
        'order',
        'revoked',
        'policy',
        'promoter',
        'approvals',
      ] as const
    ).map((point) => ({ point, holds: true, why: 'as it was when this was measured: a sentence of some length for people' })),
    pull: {
      number: at,
      url: `https://forge.example/acme/intents/pulls/${at}`,
      author: 'ada',
      mergedBy: 'grace',
      mergedAt: '2026-11-22T08:00:00.000Z',
      head: oids[at] ?? '',
    },
    approvals: [{ login: 'grace', review: String(at), commit: oids[at] ?? '', at: '2026-11-22T08:00:00.000Z' }],
    reason: null,
    by: { kind: 'job', name: 'deploy', run: 'https://forge.example/acme/intents/actions/runs/1' },
    subject:
      move === null
        ? [{ name: 'policy.yaml', digest: { sha256: digestOf(policy).slice(7) } }]
        : [{ name: pointerPath(place), digest: { sha256: (pointer ?? '').slice(7) } }],
  };
}

/** The least of three, as a row of the table. @throws Error when the answer is no */
function measure(name: string, words: readonly string[], program = process.execPath): string {
  const runs = Array.from({ length: name.includes('export') ? 1 : 3 }, () => {
    const started = performance.now();
    const { status, stderr, stdout } = spawnSync('bash', ['-c', 'TIMEFORMAT="%U %S"; time "$@"', 'bash', program, ...words], {
      cwd: top,
      env,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    const seconds = (performance.now() - started) / 1000;
    if (status !== 0) throw new Error(`${name}: ${stdout.slice(-500)}${stderr.slice(-500)}`);
    const [user = 0, system = 0] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
    return { seconds, processor: user + system };
  });
  const best = runs.toSorted((a, b) => a.seconds - b.seconds)[0] ?? { seconds: NaN, processor: NaN };
  return `| \`${name}\` | ${best.seconds.toFixed(2)} | ${best.processor.toFixed(2)} |`;
}
