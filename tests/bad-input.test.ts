// Files, rows, places and revisions that are wrong: what plumb says, and that it changes nothing.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { jsonl } from './project.ts';
import { committed, describeRefusals, edit, refused, stages, write, type Bad, type Case } from './refusals.ts';
import { topicRows } from './topics.ts';

const all =
  (...steps: readonly Bad[]): Bad =>
  (project) => {
    for (const step of steps) step(project);
  };

const rows: readonly Case[] = [
  refused(
    'a row that is no JSON',
    'add data/x.jsonl',
    'ROW_SYNTAX',
    [/at data\/x\.jsonl:3.*row 3/],
    write('data/x.jsonl', '{"id":1}\n{"id":2}\n{"id":3\n'),
  ),
  refused('a row that is no object', 'add data/x.jsonl', 'ROW_SYNTAX', [/at data\/x\.jsonl:2.*row 2/], write('data/x.jsonl', '{"id":1}\n[2]\n')),
  refused(
    'a CSV row with a field too many',
    'add data/x.csv',
    'ROW_RAGGED',
    [/at data\/x\.csv:3.*row 2/, /3/, /2/],
    write('data/x.csv', 'id,text\n1,a\n2,b,c\n'),
  ),
  refused('a CSV row with a field too few', 'add data/x.csv', 'ROW_RAGGED', [/at data\/x\.csv:2.*row 1/], write('data/x.csv', 'id,text\n1\n')),
  refused(
    'a CSV quote that never ends',
    'add data/x.csv',
    'ROW_SYNTAX',
    [/never closed/, /at data\/x\.csv:3, row 2/],
    write('data/x.csv', 'id,text\n1,a\n2,"b\n3,c\n4,d\n'),
  ),
  refused(
    'a semicolon for a comma',
    'add data/x.csv --key id',
    'DATASET_COLUMN',
    [/does not have/, /its columns are: id;text; is it separated by ";"\?/],
    write('data/x.csv', 'id;text\n1;a\n'),
  ),
  refused(
    'a number that only Python writes',
    'add data/x.jsonl',
    'ROW_SYNTAX',
    [/NaN and Infinity are no JSON: write null/],
    write('data/x.jsonl', '{"a": 1, "n": NaN}\n'),
  ),
  refused('packed rows', 'add data/x.jsonl.gz', 'DATASET_FORMAT', [/Unpack it first/], write('data/x.jsonl.gz', '')),
  refused('a JSON list', 'add data/x.json', 'DATASET_FORMAT', [/jq -c '\.\[\]' x\.json > x\.jsonl/], write('data/x.json', '[]')),
  refused(
    'Latin-1 in JSONL',
    'add data/x.jsonl',
    'ROW_ENCODING',
    [/at data\/x\.jsonl:2.*row 2/, /UTF-8/],
    write('data/x.jsonl', Buffer.from('{"id":1}\n{"id":"caf\u00e9"}\n', 'latin1')),
  ),
  refused('UTF-16', 'add data/x.csv', 'ROW_ENCODING', [/UTF-16/, /UTF-8/], write('data/x.csv', Buffer.from('\ufeffid,text\n1,a\n', 'utf16le'))),
  refused(
    'a file of a Parquet name that is none',
    'add data/x.parquet',
    'ROW_SYNTAX',
    [/at data\/x\.parquet/],
    write('data/x.parquet', 'not parquet at all'),
  ),
  refused('an empty file', 'add data/x.jsonl', 'DATASET_EMPTY', [/data\/x\.jsonl is empty/], write('data/x.jsonl', '')),
  refused('a file of blank lines', 'add data/x.jsonl', 'DATASET_EMPTY', [/at data\/x\.jsonl/], write('data/x.jsonl', '\n\n')),
  refused('a CSV of nothing but its header', 'add data/x.csv', 'DATASET_EMPTY', [/no rows/], write('data/x.csv', 'id,text\n')),
  refused('an empty folder', 'add data/x', 'DATASET_EMPTY', [/no files/], (project) => mkdirSync(project.path('data/x'))),
  refused(
    'a key twice',
    'add data/x.jsonl --key id',
    'ROW_KEY',
    [/rows 1 and 3/, /"a"/, /at data\/x\.jsonl:3, row 3/],
    write('data/x.jsonl', jsonl([{ id: 'a' }, { id: 'b' }, { id: 'a' }])),
  ),
  refused('a row without its key', 'add data/x.jsonl --key id', 'ROW_KEY', [/row 2/], write('data/x.jsonl', jsonl([{ id: 'a' }, { text: 'b' }]))),
  refused(
    'a key column that is not there',
    'add data/x.jsonl --key idnt',
    'DATASET_COLUMN',
    [/did you mean "ident"/i],
    write('data/x.jsonl', jsonl([{ ident: 'a' }])),
  ),
  refused('an unknown format', 'add data/x.xlsx', 'DATASET_FORMAT', [/\.jsonl/], write('data/x.xlsx', 'x')),
  refused('a file that is not there', 'add data/nowhere.jsonl', 'FILE_MISSING', [/nowhere\.jsonl is not there/]),
  refused('a pipe', 'add data/x.jsonl', 'FILE_KIND', [/special file/], (project) => execFileSync('mkfifo', [project.path('data/x.jsonl')])),
  refused('a second data set of one name', 'add data/deep/topics.jsonl', 'DATASET_TAKEN', [/--name/], write('data/deep/topics.jsonl', '{"id":1}\n')),
  refused('a second name for one file', 'add data/topics.jsonl --name other', 'DATASET_TAKEN', [/"topics"/]),
  refused('a name that is a path', 'add data/topics.jsonl --name ../x', 'NAME_INVALID', [/\.\.\/x/]),
];

const places: readonly Case[] = [
  refused('a path out of the project by ..', 'add ../outside.jsonl', 'PATH_OUTSIDE', [/\.\.\/outside\.jsonl/], (project) =>
    project.write('../outside.jsonl', '{"id":1}\n'),
  ),
  refused('an absolute path', 'add /etc/hostname', 'PATH_OUTSIDE', [/\/etc\/hostname/]),
  refused(
    'a symlink that leads out',
    'add data/x.jsonl',
    'PATH_OUTSIDE',
    [/symlink/],
    all(
      (project) => project.write('../outside.jsonl', '{"id":1}\n'),
      (project) => symlinkSync('../../outside.jsonl', project.path('data/x.jsonl')),
    ),
  ),
  refused(
    'a folder with a symlink that leads out',
    'add data/x',
    'PATH_OUTSIDE',
    [/b\.txt/, /symlink/],
    all(write('data/x/a.txt', 'a'), (project) => symlinkSync('/etc/hostname', project.path('data/x/b.txt'))),
  ),
  refused('a symlink in a circle', 'add data/x.jsonl', 'PATH_OUTSIDE', [/x\.jsonl/], (project) =>
    symlinkSync('x.jsonl', project.path('data/x.jsonl')),
  ),
  refused("git's own folder", 'add .git/config', 'PATH_OUTSIDE', [/\.git/]),
  refused("Plumbline's own folder", 'add .plumb/cache', 'PATH_OUTSIDE', [/keeps its own/]),
  refused(
    'a path out of the project in datasets.lock',
    'checkout',
    'PATH_OUTSIDE',
    [/\.\.\/topics\.jsonl/],
    edit('datasets.lock', [/path: data\/topics\.jsonl/, 'path: ../topics.jsonl']),
  ),
  refused(
    'the same at a run',
    'run',
    'PATH_OUTSIDE',
    [/\.\.\/topics\.jsonl/],
    edit('datasets.lock', [/path: data\/topics\.jsonl/, 'path: ../topics.jsonl']),
  ),
  refused('a working copy behind a symlink that leads out', 'checkout --force', 'PATH_OUTSIDE', [/symlink/], (project) => {
    mkdirSync(join(project.top, 'elsewhere'));
    renameSync(project.path('data'), join(project.top, 'elsewhere/data'));
    symlinkSync('../elsewhere/data', project.path('data'));
  }),
  refused('an output out of the project', 'run', 'PATH_OUTSIDE', [/"x"/, /at pipeline\.yaml/], stages('  x: { cmd: "true", outs: [../x] }\n')),
  refused('an output at an absolute path', 'run', 'PATH_OUTSIDE', [/\/tmp\/x/], stages('  x: { cmd: "true", outs: [/tmp/x] }\n')),
  refused(
    'an output behind a symlink that leads out',
    'run',
    'PATH_OUTSIDE',
    [/symlink/],
    all(stages('  x: { cmd: "echo > escape/x", outs: [escape/x] }\n'), (project) => {
      mkdirSync(join(project.top, 'elsewhere'));
      symlinkSync('../elsewhere', project.path('escape'));
    }),
  ),
  refused('an output in the folder of git', 'run', 'PATH_OUTSIDE', [/\.git/], stages('  x: { cmd: "true", outs: [.git/hooks/post-commit] }\n')),
  refused(
    'an output in the place of a file of the project',
    'run',
    'PATH_OUTSIDE',
    [/datasets\.lock/],
    stages('  x: { cmd: "true", outs: [datasets.lock] }\n'),
  ),
  refused('a folder in no project', 'status', 'NOT_A_PROJECT', [/plumb init/], (project) => unlinkSync(project.path('plumbline.yaml'))),
  refused('a project in no git repository', 'status', 'NO_GIT_REPOSITORY', [/git init/], (project) =>
    renameSync(project.path('.git'), join(project.top, 'git')),
  ),
];

/** One misspelled key in each kind of file that people write. */
const keys: readonly Case[] = [
  refused(
    'plumbline.yaml',
    'status',
    'CONFIG_INVALID',
    [/at plumbline\.yaml:2:1/, /did you mean "remote"/],
    write('plumbline.yaml', 'version: 1\nremot: /x\n'),
  ),
  refused(
    'plumbline.yaml, deep',
    'status',
    'CONFIG_INVALID',
    [/at plumbline\.yaml:3:3/, /did you mean "port"/],
    write('plumbline.yaml', 'version: 1\nserve:\n  prot: 1\n'),
  ),
  refused(
    'pipeline.yaml',
    'run',
    'CONFIG_INVALID',
    [/at pipeline\.yaml:\d+:1/, /did you mean "models"/],
    edit('pipeline.yaml', [/^models:/m, 'modles:']),
  ),
  refused('a stage', 'run', 'CONFIG_INVALID', [/at pipeline\.yaml:4:5/, /did you mean "deps"/], stages('  x:\n    cmd: "true"\n    dep: [a]\n')),
  refused(
    'arguments of a step',
    'run',
    'CONFIG_INVALID',
    [/at pipeline\.yaml/, /did you mean "suite"/i],
    edit('pipeline.yaml', ['suite: suite.yaml', 'siute: suite.yaml']),
  ),
  refused(
    'hyperparameters of a step',
    'run',
    'CONFIG_INVALID',
    [/at params\.yaml/, /did you mean "epochs"/i],
    write('params.yaml', 'train: { epoch: 2 }\n'),
  ),
  refused('datasets.lock', 'status', 'CONFIG_INVALID', [/at datasets\.lock:\d+/], edit('datasets.lock', [/rows: /, 'row: '])),
  refused(
    'rules',
    'run check',
    'CONFIG_INVALID',
    [/at rules\.yaml:3/, /did you mean "unique"/],
    write('rules.yaml', 'version: 1\nrules:\n  - { column: id, unqiue: true }\n'),
  ),
  refused('a suite', 'run', 'CONFIG_INVALID', [/at suite\.yaml:2:1/, /did you mean "data"/], write('suite.yaml', 'version: 1\ndta: asked\n')),
  refused('policy.yaml', 'gate', 'CONFIG_INVALID', [/policy\.yaml:\d+/, /did you mean "gates"/], committed(edit('policy.yaml', ['gates:', 'gate:']))),
  refused(
    'a pointer',
    'predict topics cash',
    'POINTER_INVALID',
    [/production\.json/],
    committed(edit('models/topics/production.json', ['"run"', '"runn"'])),
  ),
];

const files: readonly Case[] = [
  refused('params.yaml that does not parse', 'run', 'YAML_SYNTAX', [/at params\.yaml:\d/], write('params.yaml', 'train:\n  epochs: [1\n')),
  refused('params.yaml that is a list', 'run', 'CONFIG_INVALID', [/at params\.yaml/], write('params.yaml', '- 1\n')),
  refused('pipeline.yaml with a tab', 'run', 'YAML_SYNTAX', [/at pipeline\.yaml:2/], write('pipeline.yaml', 'stages:\n\tx: 1\n')),
  refused(
    'pipeline.yaml with a key twice',
    'run',
    'YAML_SYNTAX',
    [/at pipeline\.yaml:3/, /twice/],
    stages('  x: { cmd: "true" }\n  x: { cmd: "false" }\n'),
  ),
  refused('pipeline.yaml that is not UTF-8', 'run', 'YAML_SYNTAX', [/UTF-8/], write('pipeline.yaml', Buffer.from('stages: { \u00e9: 1 }', 'latin1'))),
  refused('no pipeline.yaml', 'run', 'CONFIG_MISSING', [/pipeline\.yaml/, /plumb init/], (project) => unlinkSync(project.path('pipeline.yaml'))),
  refused(
    'YAML that unfolds without end',
    'run',
    'YAML_SYNTAX',
    [/at pipeline\.yaml/],
    write(
      'pipeline.yaml',
      `a0: &a0 [x]\n${Array.from({ length: 30 }, (_, at) => `a${at + 1}: &a${at + 1} [${Array.from({ length: 9 }, () => `*a${at}`).join(',')}]\n`).join('')}stages: *a30\n`,
    ),
  ),
  refused('a lock in the middle of a merge', 'status', 'LOCK_CONFLICT', [/at datasets\.lock:1/, /topics/, /plumb merge/], (project) =>
    project.write('datasets.lock', `<<<<<<< ours\n${project.read('datasets.lock')}=======\n${project.read('datasets.lock')}>>>>>>> theirs\n`),
  ),
  refused('a data set that both sides of a merge changed', 'status', 'LOCK_CONFLICT', [/topics/], (project) =>
    project.write('datasets.lock', project.read('datasets.lock').replace(/^( {4}digest: .*topics.*\n)/m, '$1$1')),
  ),
  refused(
    'a digest in the lock that is none',
    'status',
    'CONFIG_INVALID',
    [/at datasets\.lock:\d+/, /sha256/],
    edit('datasets.lock', [/sha256:[0-9a-f]{4}/, 'sha256:zzzz']),
  ),
  refused(
    'a digest in the lock that names something else',
    'checkout asked --force',
    'BYTES_MISSING',
    [/0000/, /no remote is configured/],
    async (project) => edit('datasets.lock', [/(asked:[\s\S]*?digest: )sha256:[0-9a-f]{64}/, `$1sha256:${'0'.repeat(64)}`])(project),
  ),
  refused(
    'a lock that says other things than the manifest, at a run',
    'run',
    'MANIFEST_INVALID',
    [/"topics"/, /at datasets\.lock/, /plumb add data\/topics\.jsonl/],
    edit('datasets.lock', [/(\n {2}topics:[\s\S]*? rows: )\d+/, '$11']),
  ),
  refused(
    'a data set in the lock without the digest of its file',
    'status',
    'CONFIG_INVALID',
    [/at datasets\.lock:\d+/, /"topics" has no "content"/, /plumb add data\/topics\.jsonl/],
    edit('datasets.lock', [/(\n {2}topics:[\s\S]*?)\n {4}content: .*/, '$1']),
  ),
  refused(
    'a policy whose gate is not there',
    'gate',
    'PROMOTION_REFUSED',
    [/no gate "strict"/, /at policy\.yaml/, /base branch/],
    committed(edit('policy.yaml', ['production: { gate: default }', 'production: { gate: strict }'])),
  ),
  refused('a pointer in the middle of a merge', 'promote topics --to production', 'POINTER_INVALID', [/merge/, /production\.json/], (project) =>
    project.write('models/topics/production.json', `<<<<<<< ours\n${project.read('models/topics/production.json')}=======\n{}\n>>>>>>> theirs\n`),
  ),
];

const revisions: readonly Case[] = [
  refused('a checkout of a revision that is not there', 'checkout --rev nowhere', 'GIT_REVISION_UNKNOWN', [/"nowhere"/]),
  refused('a diff with one', 'diff nowhere', 'GIT_REVISION_UNKNOWN', [/"nowhere"/]),
  refused('a data set that is not there', 'checkout topcis', 'DATASET_UNKNOWN', [/did you mean "topics"/i]),
  refused(
    'a checkout over rows that are nowhere else',
    'checkout',
    'DATASET_MODIFIED',
    [/plumb add data\/topics\.jsonl/, /--force/],
    write('data/topics.jsonl', topicRows(1, 'mine')),
  ),
  refused(
    'a promotion before the run',
    'promote topics --to production',
    'RUN_MISSING',
    [/epochs: 2 -> 3/, /plumb run/],
    write('params.yaml', 'train: { epochs: 3 }\n'),
  ),
  refused(
    'a promotion that the gate refuses',
    'promote topics --to staging',
    'GATE_FAILED',
    [/does not hold/, /--force --reason/],
    committed(edit('policy.yaml', ['at_least: 0.5', 'at_least: 1.0, bound: wilson'])),
  ),
  refused('a promotion judged by a revision that is not there', 'promote topics --to staging --base nowhere', 'GIT_REVISION_UNKNOWN', [/"nowhere"/]),
  refused('a promotion that a hook of git refuses', 'promote topics --to staging', 'GIT_FAILED', [/the hook says no/], (project) => {
    project.write('.git/hooks/pre-commit', '#!/bin/sh\necho the hook says no\nexit 1\n');
    chmodSync(project.path('.git/hooks/pre-commit'), 0o755);
  }),
  refused('a promotion of what is there', 'promote topics --to production', 'PROMOTION_REFUSED', [/in production already/]),
  refused('a promotion of no model', 'promote topcis --to production', 'MODEL_UNKNOWN', [/did you mean "topics"/i]),
  refused('a promotion to nowhere', 'promote topics --to prod', 'USAGE', [/--to prod/]),
  refused('a promotion by force without a reason', 'promote topics --to staging --force', 'USAGE', [/--reason/]),
  refused('a rollback with nothing before', 'rollback topics', 'NOTHING_TO_ROLL_BACK', [/first/]),
  refused('a prediction of a model without a pointer', 'predict topics --stage staging x', 'POINTER_MISSING', [/staging/]),
  refused('a command that is not there', 'statsu', 'USAGE', [/did you mean "status"/i]),
  refused('an option that is not there', 'status --chek', 'USAGE', [/--chek/]),
  refused('an argument that is missing', 'add', 'USAGE', [/--help/]),
  refused('an argument that an option took', 'drift --columns text topics', 'USAGE', [
    /missing.*'data'/,
    /write it first, before options that take several/,
  ]),
  refused('a language that is none', 'code topics --columns text --language pyton', 'DATASET_COLUMN', [
    /did you mean "python"/i,
    /languages: python/,
  ]),
];

describeRefusals({ rows, places, keys, files, revisions });
