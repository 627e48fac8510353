// Pipelines that are wrong, stages that fail, bytes that are damaged or lost: what plumb says, and that it changes nothing.
import { mkdirSync, unlinkSync } from 'node:fs';
import type { TestProject } from './project.ts';
import { describeRefusals, leavingOutputs, refused, stages, write, type Case } from './refusals.ts';
import { topicRows } from './topics.ts';

const partOf = (project: TestProject, name: string): string => {
  const content = new RegExp(`  ${name}:[\\s\\S]*?content: (sha256:[0-9a-f]{64})`).exec(project.read('datasets.lock'))?.[1];
  return content ?? '';
};
const modelOf = (project: TestProject): string =>
  (JSON.parse(project.read('models/topics/production.json')) as { artifact: { digest: string } }).artifact.digest;
const withRemote = (project: TestProject): void => {
  mkdirSync(project.remote);
  project.write('plumbline.yaml', 'version: 1\nremote: ../remote\n');
};

const pipelines: readonly Case[] = [
  refused(
    'stages in a circle',
    'run',
    'PIPELINE_CYCLE',
    [/a -> b -> a/],
    stages('  a: { cmd: "true", deps: [out/b], outs: [out/a] }\n  b: { cmd: "true", deps: [out/a], outs: [out/b] }\n'),
  ),
  refused(
    'a dependency that is nothing',
    'run',
    'PIPELINE_DEP_MISSING',
    [/did you mean "topics"/i],
    stages('  a: { cmd: "true", deps: [topcis] }\n'),
  ),
  refused('a stage that needs one that is not there', 'run', 'PIPELINE_DEP_MISSING', [/"b"/], stages('  a: { cmd: "true", needs: [b] }\n')),
  refused(
    'two stages with one output',
    'run',
    'PIPELINE_OUT_TWICE',
    [/"a"/, /"b"/, /out\/x/],
    stages('  a: { cmd: "true", outs: [out/x] }\n  b: { cmd: "true", outs: [out/x] }\n'),
  ),
  refused(
    'an output inside the output of another',
    'run',
    'PIPELINE_OUT_TWICE',
    [/"a"/, /"b"/],
    stages('  a: { cmd: "true", outs: [out/x] }\n  b: { cmd: "true", outs: [out/x/y] }\n'),
  ),
  refused(
    'a step that is not there',
    'run',
    'STEP_UNKNOWN',
    [/did you mean "plumb\/train-text"/i],
    stages('  a: { uses: plumb/trian-text, with: {} }\n'),
  ),
  refused(
    'a stage with a command and a step',
    'run',
    'CONFIG_INVALID',
    [/exactly one of cmd and uses/],
    stages('  a: { uses: plumb/split, cmd: "true" }\n'),
  ),
  refused(
    'an argument within an argument',
    'run',
    'CONFIG_INVALID',
    [/unknown key "label-conflict" in stages\.a\.with\.severities/, /valid keys: exact, normalised, near, conflict, near_conflict/],
    stages('  a: { uses: plumb/dups, with: { data: topics, severities: { label-conflict: info } } }\n'),
  ),
  refused('a stage that is not there', 'run trian', 'STAGE_UNKNOWN', [/did you mean "train"/i]),
  refused(
    'a hyperparameter that is not there',
    'run',
    'PARAM_MISSING',
    [/train\.rate/, /at params\.yaml/],
    stages('  a: { cmd: "true", params: [train.rate] }\n'),
  ),
  refused('--set of a hyperparameter that nobody reads', 'run --set trian.epochs=3', 'PARAM_MISSING', [/train/]),
  refused('--set of a value that cannot be', 'run --set train.epochs=many', 'CONFIG_INVALID', [/epochs/]),
  refused('a frozen stage that never ran', 'run', 'RUN_MISSING', [/"a" is frozen/], stages('  a: { cmd: "true", frozen: true }\n')),
  refused(
    'a frozen stage with a digest of nothing',
    'run',
    'BYTES_MISSING',
    [/0000/],
    stages(`  a: { cmd: "true", frozen: "sha256:${'0'.repeat(64)}" }\n`),
  ),
  refused(
    'a working copy that is not what the lock says',
    'run',
    'DATASET_MODIFIED',
    [/topics/, /plumb add/],
    write('data/topics.jsonl', topicRows(1, 'new')),
  ),
  refused(
    'rows that break a rule',
    'run',
    'RULES_BROKEN',
    [/rate/],
    write('rules.yaml', 'version: 1\nrules:\n  - { column: label, allowed: [card, cash] }\n'),
  ),
];

const failing: readonly Case[] = [
  refused(
    'a command that fails',
    'run',
    'STAGE_FAILED',
    [/"a" ended with exit code 3/, /the reason/, /logs\/a\.log/],
    stages('  a: { cmd: "echo first; echo the reason >&2; exit 3" }\n'),
  ),
  refused('a command that is killed', 'run', 'STAGE_FAILED', [/ended by SIGKILL/], stages('  a: { cmd: "kill -9 $$" }\n')),
  refused(
    'a command past its limit',
    'run',
    'STAGE_FAILED',
    [/ran past its limit/],
    stages('  a: { cmd: "sleep 100", resources: { minutes: 0.005 } }\n'),
  ),
  refused('a program that is not there', 'run', 'STAGE_FAILED', [/no-such-program/], stages('  a: { cmd: [no-such-program, x] }\n')),
  refused(
    'a command that does not write its output',
    'run',
    'STAGE_OUT_MISSING',
    [/did not write out\/a\.txt/],
    stages('  a: { cmd: "true", outs: [out/a.txt] }\n'),
  ),
  leavingOutputs(
    refused(
      'an output that is a symlink',
      'run',
      'FILE_KIND',
      [/out\/a\.txt/, /links/],
      stages('  a: { cmd: "ln -s /etc/hostname out/a.txt", outs: [out/a.txt] }\n'),
    ),
  ),
  leavingOutputs(
    refused(
      'an output folder with a symlink out of it',
      'run',
      'PATH_OUTSIDE',
      [/out\/a\/b/],
      stages('  a: { cmd: "mkdir out/a; ln -s /etc/hostname out/a/b", outs: [out/a] }\n'),
    ),
  ),
  leavingOutputs(
    refused(
      'metrics that are no JSON',
      'run',
      'JSON_SYNTAX',
      [/out\/m\.json/],
      stages('  a: { cmd: "echo 1, > out/m.json", metrics: [out/m.json] }\n'),
    ),
  ),
  refused(
    'two commands that fail',
    'run',
    'STAGE_FAILED',
    [/2 stages failed: a, b\n {2}a: .*\n {2}b: /],
    stages('  a: { cmd: "exit 1" }\n  b: { cmd: "exit 2" }\n'),
  ),
];

const bytes: readonly Case[] = [
  refused('a byte of data flipped, at a checkout', 'checkout', 'DIGEST_MISMATCH', [/damaged/, /set aside/, /no remote is configured/], (project) => {
    project.damage(partOf(project, 'topics'));
    unlinkSync(project.path('data/topics.jsonl'));
  }),
  refused('a byte of data flipped, at a run', 'run', 'DIGEST_MISMATCH', [/damaged/], (project) => {
    project.damage(partOf(project, 'topics'));
    project.write('params.yaml', 'train: { epochs: 3, validation: 0 }\n');
    unlinkSync(project.path('data/topics.jsonl'));
  }),
  refused('a byte of the model flipped, at a prediction', 'predict topics cash', 'DIGEST_MISMATCH', [/damaged/], (project) =>
    project.damage(modelOf(project)),
  ),
  refused('data that is nowhere, without a remote', 'checkout', 'BYTES_MISSING', [/no remote is configured/, /remote:/], (project) => {
    project.lose(partOf(project, 'topics'));
    unlinkSync(project.path('data/topics.jsonl'));
  }),
  refused('data that the remote lacks', 'checkout', 'BYTES_MISSING', [/nor in the remote \/.*\/remote/, /plumb push/], (project) => {
    withRemote(project);
    project.lose(partOf(project, 'topics'));
    unlinkSync(project.path('data/topics.jsonl'));
  }),
  refused('a model that the remote lacks', 'predict topics cash', 'BYTES_MISSING', [/nor in the remote \/.*\/remote/], (project) => {
    withRemote(project);
    project.lose(modelOf(project));
  }),
  refused('a push of what is lost', 'push topics', 'BYTES_MISSING', [/not in the cache/], (project) => {
    withRemote(project);
    project.lose(partOf(project, 'topics'));
  }),
  refused('a push of a flipped byte', 'push topics', 'DIGEST_MISMATCH', [/sha256/], (project) => {
    withRemote(project);
    project.damage(partOf(project, 'topics'));
  }),
  refused('a push without a remote', 'push', 'REMOTE_MISSING', [/remote:/]),
  refused('a remote that is not mounted', 'push', 'REMOTE_FAILED', [/not\/mounted/], write('plumbline.yaml', 'version: 1\nremote: ../not/mounted\n')),
];

describeRefusals({ pipelines, failing, bytes });
