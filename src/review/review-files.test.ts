import { appendFile, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createProject } from '../datasets/project.fixture.ts';
import { decisionsByRow } from './by-row.ts';
import { ada, bob, decision, header, relabelled, row } from './decision.fixture.ts';
import { closeDeadJournals, Journal, readJournals } from './journal.ts';
import { readAsked, readReviews, writeAsked, writeReview } from './review-files.ts';

const now = new Date('2026-11-21T07:00:00.000Z');

describe('files of decisions', () => {
  test('what is written is read again, and the same decisions are the same file', async () => {
    const project = await (await createProject()).open();
    const decisions = [decision(1), relabelled(2, 'card', { note: 'said so by ⟨the client⟩' })];
    const path = await writeReview(project, header(ada), decisions);
    expect(await writeReview(project, header(ada), decisions)).toBe(path);
    expect(await readReviews(project, 'intents')).toEqual([{ path, header: header(ada), decisions }]);
    expect(await readFile(join(project.root, 'reviews/.gitattributes'), 'utf8')).toContain('*.jsonl -text');
  });

  test('a file that was edited, or moved to another data set, is refused', async () => {
    const project = await (await createProject()).open();
    const path = (await writeReview(project, header(ada), [decision(1, { action: 'reject' })])) ?? '';
    const text = await readFile(join(project.root, path), 'utf8');
    await writeFile(join(project.root, path), text.replace('reject', 'accept'));
    await expect(readReviews(project, 'intents')).rejects.toMatchObject({ code: 'REVIEW_INVALID', where: { file: path } });
    await writeFile(join(project.root, path), text);
    await mkdir(join(project.root, 'reviews/other'));
    await rename(join(project.root, path), join(project.root, path.replace('intents', 'other')));
    await expect(readReviews(project, 'other')).rejects.toMatchObject({ code: 'REVIEW_INVALID' });
  });

  test('an edit without what it becomes is no decision', async () => {
    const project = await (await createProject()).open();
    const { becomes: _, ...half } = relabelled(1, 'card');
    await writeReview(project, header(ada), [half]);
    await expect(readReviews(project, 'intents')).rejects.toMatchObject({ code: 'REVIEW_INVALID' });
  });

  test('a queue is the same file whoever asks, in whatever order', async () => {
    const project = await (await createProject()).open();
    const why = { plumbline: 'review-queue/1' as const, data: 'intents', why: 'sample of 2, seed 1' };
    const rows = [1, 2].map((number) => ({ row: row(number), findings: [] }));
    const path = await writeAsked(project, why, rows);
    expect(await writeAsked(project, why, rows.toReversed())).toBe(path);
    expect(await readAsked(project, 'intents')).toHaveLength(1);
    expect(await readReviews(project, 'intents')).toEqual([]);
  });

  test('two people on two branches: git merges both without a word', async () => {
    const made = await createProject();
    const project = await made.open();
    await made.git('add', '.');
    await made.git('commit', '-qm', 'start');
    for (const person of [ada, bob]) {
      await made.git('checkout', '-q', '-b', person.name, 'main');
      await writeReview(project, header(person), [decision(1), decision(2, { action: 'reject' })]);
      await made.git('add', 'reviews');
      await made.git('commit', '-qm', `reviews of ${person.name}`);
    }
    await made.git('merge', '-q', '--no-edit', 'Ada');
    const reviews = await decisionsByRow(project, 'intents');
    expect(reviews.get(row(1))).toMatchObject({ status: 'accepted', by: [ada, bob] });
    expect(reviews.get(row(2))?.status).toBe('rejected');
  });
});

describe('the journal of a sitting', () => {
  test('each decision counts at once, an undone one does not, and the end makes one file', async () => {
    const project = await (await createProject()).open();
    const journal = new Journal(project, header(ada));
    await journal.add(decision(1), now);
    await journal.add(decision(2), now);
    await journal.add(decision(2, { action: 'reject' }), now);
    expect((await decisionsByRow(project, 'intents')).get(row(2))?.status).toBe('rejected');
    expect((await journal.undo())?.action).toBe('reject');
    expect((await decisionsByRow(project, 'intents')).get(row(2))?.status).toBe('accepted');
    const path = await journal.close();
    expect(await readJournals(project, 'intents')).toEqual([]);
    const [file] = await readReviews(project, 'intents');
    expect(file?.path).toBe(path);
    expect(file?.decisions.map(({ at }) => at)).toEqual(['2026-11-21T07:00:00.000Z', '2026-11-21T07:00:00.001Z']);
  });

  test('nothing decided, nothing written', async () => {
    const project = await (await createProject()).open();
    const journal = new Journal(project, header(ada));
    expect(await journal.undo()).toBeNull();
    expect(await journal.close()).toBeNull();
    expect(await readdir(project.root)).not.toContain('reviews');
  });

  test('a killed sitting counts, and the next command makes its file; a torn last line was never said', async () => {
    const project = await (await createProject()).open();
    const journal = new Journal(project, header(ada));
    await journal.add(decision(1), now);
    const folder = join(project.localDir, 'review');
    const [name = ''] = await readdir(folder);
    // as a process leaves it that is there no more
    const dead = name.replace(/^\d+/, '999999999');
    await rename(join(folder, name), join(folder, dead));
    await appendFile(join(folder, dead), '{"row":"sha256:12');
    expect((await decisionsByRow(project, 'intents')).get(row(1))?.status).toBe('accepted');
    expect(await closeDeadJournals(project)).toHaveLength(1);
    expect(await readdir(folder)).toEqual([]);
    expect((await decisionsByRow(project, 'intents')).get(row(1))?.status).toBe('accepted');
  });
});
