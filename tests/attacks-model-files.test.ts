// T9 on its three ways: a training step reads a base model, somebody promotes one, and a pull request is judged that was written by hand.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { digestOf } from '../src/base/digest.ts';
import { filesManifest, manifestText } from '../src/datasets/manifest.ts';
import { better, good } from '../src/registry/example.fixture.ts';
import { against, JudgeScene } from '../src/registry/judge.fixture.ts';
import { createFileTreeBuilder } from '../src/store/tree/file-builder.ts';
import { jsonl, TestProject } from './project.ts';

/** By Python: os.system('echo owned') as it is opened. */
const pickle = Buffer.from('gAJjcG9zaXgKc3lzdGVtCnEAWAoAAABlY2hvIG93bmVkcQGFcQJScQMu', 'base64');
const onnx = readFileSync(new URL('golden/train/tiny-none.onnx', import.meta.url));

/** One tensor of eight bytes. */
const safetensors = ((): Buffer => {
  const header = Buffer.from('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(8)]);
})();

const files = {
  'pipeline.yaml': `
stages:
  adapt: { cmd: cat given.bin > adapter.bin && sed "s/my/$(wc -c < given.bin)/" rows.jsonl > picked.jsonl, deps: [base, rows, given.bin], outs: [adapter.bin, picked.jsonl] }
  train: { uses: plumb/train-text, with: { data: picked.jsonl }, params: [train] }
  evaluate: { uses: plumb/evaluate, with: { model: train.model, suite: suite.yaml } }
models:
  topics: { artifact: train.model, evaluation: evaluate, parts: { base: base, adapter: adapter.bin } }
`,
  'params.yaml': 'train: { epochs: 2, validation: 0 }\n',
  'suite.yaml': 'version: 1\ndata: asked\nid: id\n',
  'policy.yaml': 'version: 1\nmodels: { topics: { production: { gate: any } } }\ngates: { any: [{ metric: accuracy, at_least: 0 }] }\n',
};

const rows = (size: number): string =>
  jsonl(['card', 'cash'].flatMap((label) => Array.from({ length: size }, (_, at) => ({ id: `${label}-${at}`, text: `my ${label} ${at}`, label }))));

async function project(): Promise<TestProject> {
  const made = TestProject.create(files);
  made.write('.gitignore', '.plumb/\nout/\n/base/\n/adapter.bin\n*.jsonl\n');
  made.write('rows.jsonl', rows(8));
  made.write('asked.jsonl', rows(4));
  made.write('given.bin', safetensors);
  made.write('base/config.json', '{"model_type":"tiny"}');
  made.write('base/model.onnx', onnx);
  await made.done('add', 'rows.jsonl', '--key', 'id', '--label', 'label');
  await made.done('add', 'asked.jsonl', '--key', 'id');
  await made.done('add', 'base');
  made.git('add', '.');
  made.git('commit', '-qm', 'data and a base model');
  return made;
}

test('T9: a base model with code in it is read by no stage, and a part that is a pickle goes with no promotion', { timeout: 60_000 }, async () => {
  using made = await project();
  await made.done('run');
  await made.done('promote', 'topics', '--to', 'production');

  for (const [path, bytes] of [
    ['base/pytorch_model.bin', pickle],
    ['base/config.json', '{"model_type":"tiny","auto_map":{"AutoModel":"modeling.Model"}}'],
  ] as const) {
    const before = path === 'base/config.json' ? made.read(path) : null;
    made.write(path, bytes);
    await made.done('add', 'base');
    const { exit, stdout, stderr } = await made.plumb(['run'], { text: true });
    expect(exit).not.toBe(0);
    expect(stdout + stderr).toContain(`"${path}" is no model file that is safe to open`);
    if (before === null) made.git('clean', '-fdxq', path);
    else made.write(path, before);
    await made.done('add', 'base');
  }

  // what a stage wrote is refused when it would become a part of a promotion
  made.write('given.bin', pickle);
  made.git('commit', '-qam', 'another adapter');
  await made.done('run');
  const refused = await made.plumb(['promote', 'topics', '--to', 'production']);
  expect([refused.code, JSON.stringify(refused.json)]).toEqual(['MODEL_FILE_REFUSED', expect.stringContaining('adapter.bin')]);
  expect(made.git('status', '--porcelain', 'models')).toBe('');
});

test('T9: a pull request whose model has a pickle among its parts does not hold, however well its digests fit', async () => {
  const scene = await JudgeScene.make();
  try {
    await scene.release({ candidate: good });
    await scene.promote({ candidate: better, stage: 'staging' });
    const { store } = scene;
    const nodes: Uint8Array[] = [];
    const tree = createFileTreeBuilder((bytes) => {
      nodes.push(Uint8Array.from(bytes));
      return digestOf(bytes);
    });
    tree.add({ path: 'pytorch_model.bin', digest: await store.putBytes(pickle), bytes: pickle.length, executable: false });
    const manifest = manifestText(filesManifest(tree.finish()));
    for (const node of nodes) await store.putBytes(node);
    const base = { digest: await store.putBytes(manifest), bytes: pickle.length };
    const sides = await scene.pull({ candidate: better, production: good, manifest: base.digest, parts: { base } });
    expect(against(await scene.judge(sides)).bytes).toMatch(/"base\/pytorch_model\.bin" is no model file that is safe to open: it is a pickle/);
  } finally {
    await scene.remove();
  }
});
