// What `plumb review export` writes, read by the SDKs of Argilla and Label Studio themselves; and what Argilla's writes, read here.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { rowDigest } from '../../src/datasets/row-digest.ts';
import { jsonl, node, plumbFile, TestProject } from '../project.ts';
import { installAnnotationTools } from './servers/install.ts';

const rows = [
  { id: 'a', text: 'Mail 🙂 ada@example.org & please', note_of: '<b>', label: 'contact' },
  { id: 'b', text: 'My card is still not here', note_of: '', label: 'card_arrival' },
  { id: 'c', text: 'I lost my crad', note_of: '"', label: 'card_linking' },
];
const finding = { kind: 'EMAIL_ADDRESS', severity: 'error', column: 'text', span: [7, 22], message: 'an address' };

let python: string;
beforeAll(async () => {
  python = await installAnnotationTools();
}, 600_000);

function runReference(name: string, ...words: string[]): string {
  const script = fileURLToPath(new URL(`../../src/review/exchange/${name}.reference.py`, import.meta.url));
  return execFileSync(python, [script, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

async function reviewed(): Promise<TestProject> {
  const project = TestProject.create({ 'intents.jsonl': jsonl(rows) });
  await project.done('add', 'intents.jsonl', '--key', 'id', '--label', 'label');
  project.write(
    'flagged.jsonl',
    jsonl(
      rows.map((row, at) => ({ row: at + 1, key: row.id, digest: rowDigest(row), findings: [at === 0 ? finding : { ...finding, span: undefined }] })),
    ),
  );
  await project.done('review', 'add', 'intents', '--from', 'flagged.jsonl');
  const child = spawn(node, [plumbFile, 'review', 'intents'], { cwd: project.root, env: project.env, stdio: ['pipe', 'ignore', 'ignore'] });
  child.stdin?.end('e {"text": "Mail me"}\nl card_linking\nr\n');
  await once(child, 'close');
  return project;
}

describe('the other tools', () => {
  test('Argilla reads our records, and writes them again as they were', async () => {
    using project = await reviewed();
    await project.done('review', 'export', 'intents', '--to', 'argilla', '--out', 'records.json', '--decided');
    expect(JSON.parse(runReference('argilla', project.path('records.json')))).toEqual([true, true, true]);
  });

  test('Label Studio takes our tasks, predictions and annotations for those of our interface', async () => {
    using project = await reviewed();
    await project.done('review', 'export', 'intents', '--to', 'label-studio', '--out', 'tasks.json', '--config', 'interface.xml', '--decided');
    expect(runReference('label-studio', project.path('tasks.json'), project.path('interface.xml'))).toBe('all hold');
    // it would have said no
    project.write('other.xml', project.read('interface.xml').replace('value="card_linking"', 'value="another"'));
    expect(() => runReference('label-studio', project.path('tasks.json'), project.path('other.xml'))).toThrow(/another|card_linking|b:/);
  });

  test('the fixture is what Argilla writes', () => {
    const written = JSON.parse(runReference('argilla')) as unknown;
    expect(written).toEqual(
      JSON.parse(
        execFileSync('cat', [fileURLToPath(new URL('../../src/review/exchange/argilla.fixture.json', import.meta.url))], { encoding: 'utf8' }),
      ),
    );
  });
});
