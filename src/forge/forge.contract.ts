// What every adapter must do, asked of it on a repository with real branches and real pull requests. What others do there (push, comment, review,
// protect) a forge's own test brings.
import { beforeAll, describe, expect, test } from 'vitest';
import { isPlumbError } from '../base/errors.ts';
import type { Forge, PullRequest } from './forge.ts';

/** A change on a new branch: what a file holds then; null: it is removed. */
export type Change = Readonly<Record<string, string | null>>;

/** Somebody's hands on the forge. In main there are the files `kept`, `old name` (of some lines) and `gone`. */
export interface ForgeWorld {
  readonly forge: Forge;
  /** login whose token the forge has, who may do all but is not the author of pull requests here */
  readonly us: string;
  /** one who may write and opens the pull requests, one who may read only, and one who has nothing to do here */
  readonly people: { readonly writer: string; readonly reader: string; readonly stranger: string };
  /** Pushes a branch with one commit a change and opens a pull request of it. @param fork from the reader's fork */
  openPull(branch: string, changes: readonly Change[], fork?: boolean): Promise<number>;
  /** One more commit on its branch. @returns it */
  push(branch: string, change: Change): Promise<string>;
  /** Pushes a branch without a pull request. @returns its commit */
  pushBranch(branch: string, change: Change): Promise<string>;
  /** By the writer. @returns its id */
  comment(pull: number, body: string): Promise<number>;
  editComment(id: number, body: string): Promise<void>;
  comments(pull: number): Promise<readonly { readonly author: string; readonly body: string }[]>;
  reactions(comment: number): Promise<readonly string[]>;
  /** By us, on the commit that it ends with. */
  review(pull: number, opinion: 'approve' | 'refuse' | 'comment', body: string): Promise<void>;
  dismissReviews(pull: number): Promise<void>;
  label(pull: number, name: string): Promise<void>;
  statuses(commit: string): Promise<readonly { readonly context: string; readonly state: string; readonly description: string }[]>;
  /** From now on this one cannot be merged. */
  block(pull: number): Promise<void>;
  /** What main has now. */
  main(): Promise<string>;
  /** Workflow files of main that can be dispatched: their names and inputs. */
  readonly workflow: { readonly file: string; readonly input: string };
}

const opinions = [
  ['comment', 'commented', 'hm'],
  ['refuse', 'changes-requested', 'no'],
  ['approve', 'approved', 'well'],
] as const;

const marker = '<!-- plumbline:contract -->';

/** @param makeWorld once for all tests */
export function forgeContract(makeWorld: () => Promise<ForgeWorld>): void {
  let world: ForgeWorld;
  let forge: Forge;
  beforeAll(async () => {
    world = await makeWorld();
    forge = world.forge;
  }, 600_000);

  const read = async (number: number): Promise<PullRequest> => (await forge.findPullRequest({ number })) ?? expect.fail('no pull request');
  const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'done',
      (error: unknown) => (isPlumbError(error) ? error.code : error),
    );

  describe('pull requests', () => {
    test('one is found by its number and by the commit that it ends with, with all that is known of it', async () => {
      const number = await world.openPull('found', [{ kept: 'new' }]);
      await world.label(number, 'approved');
      const pull = await read(number);
      expect(pull).toMatchObject({ number, baseRef: 'main', headRef: 'found', fork: false, state: 'open', author: world.people.writer });
      expect(pull).toMatchObject({ title: 'found', labels: ['approved'], mergeCommit: null, url: expect.stringContaining(`/${number}`) as string });
      expect(pull.head).toMatch(/^[0-9a-f]{40}$/);
      expect(pull.base).toBe(await world.main());
      expect(await forge.findPullRequest({ commit: pull.head })).toEqual(pull);
      expect(await forge.findPullRequest({ commit: 'f'.repeat(40) })).toBeNull();
      const later = await world.push('found', { kept: 'newer' });
      expect((await read(number)).head).toBe(later);
      expect(await forge.findPullRequest({ commit: pull.head })).toBeNull();
    });

    test('one from a fork is told from one of ours', async () => {
      const pull = await read(await world.openPull('patch', [{ kept: 'from elsewhere' }], true));
      expect(pull.fork).toBe(true);
      expect(pull.headRepository?.split('/')[0]).toBe(world.people.reader);
    });

    test('its files with what happened to them, its commits in their order', async () => {
      const moved = 'a line\n'.repeat(20);
      const number = await world.openPull('files', [
        { 'old name': null, 'new/name': moved, added: '1' },
        { gone: null, kept: '2' },
      ]);
      const files = await forge.changedFiles(number);
      expect(files.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
        { path: 'added', change: 'added', previousPath: null },
        { path: 'gone', change: 'removed', previousPath: null },
        { path: 'kept', change: 'modified', previousPath: null },
        { path: 'new/name', change: 'renamed', previousPath: 'old name' },
      ]);
      const commits = await forge.commits(number);
      expect(commits).toHaveLength(2);
      expect(commits.at(-1)).toBe((await read(number)).head);
    });

    test('more files than a page holds are all there', async () => {
      const many = Object.fromEntries(Array.from({ length: 230 }, (_, index) => [`many/${index}`, `${index}`]));
      const files = await forge.changedFiles(await world.openPull('many', [many]));
      expect(new Set(files.map((one) => one.path))).toEqual(new Set(Object.keys(many)));
    });

    test('one is opened once', async () => {
      const head = await world.pushBranch('opened', { kept: 'opened' });
      const wanted = { head: 'opened', base: 'main', title: 'by a token', body: 'why' };
      const pull = await forge.openPullRequest(wanted);
      expect(pull).toMatchObject({ head, headRef: 'opened', baseRef: 'main', title: 'by a token', author: world.us, state: 'open', fork: false });
      expect((await forge.openPullRequest(wanted)).number).toBe(pull.number);
    });
  });

  describe('merges', () => {
    test('what was pushed meanwhile is not merged; the right commit is, once, and is found by its merge', async () => {
      const number = await world.openPull('merged', [{ merged: '1' }]);
      const { head: seen } = await read(number);
      const head = await world.push('merged', { merged: '2' });
      expect(await codeOf(forge.merge(number, { head: seen, method: 'merge' }))).toBe('FORGE_MOVED');
      const commit = await forge.merge(number, { head, method: 'merge' });
      expect(commit).toBe(await world.main());
      expect(await read(number)).toMatchObject({ state: 'merged', mergeCommit: commit, head });
      // a job that is started again
      expect(await forge.merge(number, { head, method: 'merge' })).toBe(commit);
      expect((await forge.pullRequestsOfCommit(commit)).map((one) => one.number)).toEqual([number]);
      expect(await forge.pullRequestsOfCommit('f'.repeat(40))).toEqual([]);
    });

    test.each(['squash', 'rebase'] as const)('%s makes a commit of its own', async (method) => {
      const number = await world.openPull(method, [{ [method]: '1' }]);
      const { head } = await read(number);
      await world
        .openPull(`${method}-2`, [{ [`${method}-2`]: '1' }])
        .then(async (other) => forge.merge(other, { head: (await read(other)).head, method: 'merge' }));
      const commit = await forge.merge(number, { head, method });
      expect(commit).not.toBe(head);
      expect(commit).toBe(await world.main());
    });

    test('a rule of the repository is in the way', async () => {
      const number = await world.openPull('blocked', [{ blocked: '1' }]);
      const { head } = await read(number);
      await world.block(number);
      expect(await codeOf(forge.merge(number, { head, method: 'merge' }))).toBe('FORGE_REFUSED');
      expect((await read(number)).state).toBe('open');
    });
  });

  describe('conversation', () => {
    test('one comment: made, left alone while the text is the same, then updated; a marker of another is not ours', async () => {
      const number = await world.openPull('talk', [{ kept: 'talk' }]);
      await world.comment(number, `${marker}\nfill me`);
      expect(await forge.findComment(number, marker)).toBeNull();
      const states = [];
      for (const body of ['one', 'one', 'two\n\n| a |\n| - |']) states.push((await forge.upsertComment(number, { marker, body })).state);
      expect(states).toEqual(['made', 'unchanged', 'updated']);
      expect(await world.comments(number)).toEqual([
        { author: world.people.writer, body: `${marker}\nfill me` },
        { author: world.us, body: `${marker}\ntwo\n\n| a |\n| - |` },
      ]);
      const found = await forge.findComment(number, marker);
      expect(found).toMatchObject({
        number,
        author: world.us,
        body: `${marker}\ntwo\n\n| a |\n| - |`,
        url: expect.stringMatching(/^https?:/) as string,
      });
      expect(found?.createdAt.getTime()).toBeGreaterThan(Date.UTC(2020, 0));
    });

    test('a comment of another is read, answered once and reacted to', async () => {
      const number = await world.openPull('asks', [{ kept: 'asks' }]);
      const id = await world.comment(number, '/plumb run');
      const asked = await forge.readComment(id);
      expect(asked).toMatchObject({ id, number, author: world.people.writer, body: '/plumb run' });
      expect(asked.updatedAt).toEqual(asked.createdAt);
      await forge.react(id, 'eyes');
      await forge.react(id, 'eyes');
      expect(await world.reactions(id)).toEqual(['eyes']);
      expect((await forge.reply(asked, 'started')).state).toBe('made');
      expect((await forge.reply(asked, 'done')).state).toBe('updated');
      expect((await world.comments(number)).map((one) => one.body)).toEqual(['/plumb run', `<!-- plumbline:answer:${id} -->\ndone`]);
      await new Promise((resolve) => setTimeout(resolve, 1100));
      await world.editComment(id, '/plumb approve');
      const edited = await forge.readComment(id);
      expect(edited.body).toBe('/plumb approve');
      expect(edited.updatedAt.getTime()).toBeGreaterThan(edited.createdAt.getTime());
    });

    test('reviews, with the commit that was seen, and what became of them', async () => {
      const number = await world.openPull('reviewed', [{ kept: 'reviewed' }]);
      const { head } = await read(number);
      expect(await forge.reviews(number)).toEqual([]);
      for (const [opinion, state, body] of opinions) {
        await world.review(number, opinion, body);
        expect((await forge.reviews(number)).at(-1)).toMatchObject({ author: world.us, state, commit: head, body, bot: false });
      }
      expect((await forge.reviews(number)).map((one) => one.body)).toEqual(['hm', 'no', 'well']);
      await world.dismissReviews(number);
      expect((await forge.reviews(number)).at(-1)).toMatchObject({ state: 'dismissed', body: 'well' });
    });
  });

  test('who may do what', async () => {
    const { writer, reader, stranger } = world.people;
    const found = await Promise.all([writer, reader, stranger, 'nobody-of-this-name'].map((login) => forge.permissionOf(login)));
    expect(found).toEqual(['write', 'read', 'none', 'none']);
  });

  test('a status with a description that fits', async () => {
    const head = await world.pushBranch('status', { kept: 'status' });
    await forge.setStatus(head, { context: 'plumb/gate', state: 'pending', description: 'waiting', link: null });
    await forge.setStatus(head, { context: 'plumb/gate', state: 'failure', description: 'é😀'.repeat(99), link: 'https://ci.test/1' });
    const [latest] = await world.statuses(head);
    expect(latest).toMatchObject({ context: 'plumb/gate', state: 'failure' });
    expect(latest?.description).toMatch(/^(é😀)+é?…$/u);
    expect(latest?.description.length).toBeLessThanOrEqual(140);
  });

  test('a workflow is started with its inputs; one that is not there is not', async () => {
    const { file, input } = world.workflow;
    expect(await forge.dispatch({ workflow: file, ref: 'main', inputs: { [input]: 'a "b" $c' } })).toMatch(/^https?:\/\/.+\/actions\/runs\/\d+$/);
    expect(await codeOf(forge.dispatch({ workflow: 'none.yml', ref: 'main', inputs: {} }))).toBe('FORGE_DENIED');
    expect(await codeOf(forge.dispatch({ workflow: file, ref: 'nowhere', inputs: {} }))).toMatch(/^FORGE_(DENIED|REFUSED)$/);
  });

  test('requests are counted', async () => {
    const before = forge.requests;
    await forge.permissionOf(world.people.writer);
    expect(forge.requests).toBe(before + 1);
  });
}
