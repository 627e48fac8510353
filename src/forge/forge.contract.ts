// Long, for it has a test for each method: what every adapter must do, asked of it on a repository with real branches and real pull requests. What others do
// there (push, comment, review, protect) a forge's own test brings.
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
  /** One more commit on its branch, by whoever opened it. @returns it */
  push(branch: string, change: Change): Promise<string>;
  /** Another commit in place of its last one, by us. @returns it */
  forcePush(branch: string, change: Change): Promise<string>;
  /** By us. */
  deleteBranch(branch: string): Promise<void>;
  retarget(pull: number, base: string): Promise<void>;
  /** An issue of the writer's. @returns its number */
  openIssue(title: string, body: string): Promise<number>;
  issue(number: number): Promise<{ readonly title: string; readonly body: string; readonly open: boolean; readonly labels: readonly string[] }>;
  /** A team of some organisation with the writer in it, which our token may see. @returns 'org/team' */
  makeTeam(): Promise<string>;
  /** Has the workflow run to its end, by us. @returns the run's number, and a time in which it was at work */
  runWorkflow(): Promise<{ readonly id: string; readonly from: Date; readonly to: Date }>;
  /** Pushes a branch without a pull request, by the writer. @returns its commit */
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
      expect(pull).toMatchObject({ authorKind: 'person', openedAt: expect.any(Date) as Date, mergedBy: null, mergedAt: null });
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
      await forge.updatePullRequest(pull.number, { title: 'by a token, again', body: 'why not' });
      expect(await read(pull.number)).toMatchObject({ title: 'by a token, again', head });
    });

    test('when one was led to another base branch', async () => {
      const number = await world.openPull('led', [{ kept: 'led' }]);
      await world.pushBranch('release', { kept: 'release' });
      const before = Date.now();
      expect(await forge.retargetedAt(number)).toBeNull();
      await world.retarget(number, 'release');
      const at = await forge.retargetedAt(number);
      // forges keep whole seconds
      expect(at?.getTime()).toBeGreaterThanOrEqual(before - 1000);
      expect(await read(number)).toMatchObject({ baseRef: 'release' });
    });
  });

  describe('who moved a branch', () => {
    const ofThisRepository = async (): Promise<string> => (await read(await world.openPull('where', [{ where: '1' }]))).headRepository ?? '';
    const person = (login: string) => ({ login, kind: 'person' });

    test('made, pushed to, forced: in their order, by the accounts that did it', async () => {
      const name = 'plumb/moves';
      const pull = await read(await world.openPull(name, [{ moved: '1' }]));
      const second = await world.push(name, { moved: '2' });
      const third = await world.forcePush(name, { moved: '3' });
      const { writer } = world.people;
      expect(await forge.pushes({ repository: pull.headRepository ?? '', name })).toMatchObject([
        { who: person(writer), before: null, after: pull.head },
        { who: person(writer), before: pull.head, after: second },
        { who: person(world.us), before: second, after: third },
      ]);
    });

    test('of a fork', async () => {
      const pull = await read(await world.openPull('elsewhere', [{ moved: 'elsewhere' }], true));
      const moves = await forge.pushes({ repository: pull.headRepository ?? '', name: 'elsewhere' });
      const made = { who: person(world.people.reader), before: null, after: pull.head };
      // of a private one our token sees nothing there
      if (forge.kind === 'gitea') expect(moves).toBeNull();
      else expect(moves).toMatchObject([made]);
    });

    test('one that is gone, and one that was made again: since then', async () => {
      const name = 'again';
      const repository = await ofThisRepository();
      const first = await world.pushBranch(name, { again: '1' });
      await world.deleteBranch(name);
      expect(await forge.pushes({ repository, name })).toMatchObject([{ before: null, after: first }]);
      const second = await world.push(name, { again: '2' });
      expect(await forge.pushes({ repository, name })).toMatchObject([{ who: person(world.people.writer), before: null, after: second }]);
      expect(await forge.pushes({ repository, name: 'never' })).toBeNull();
      expect(await forge.pushes({ repository: 'nobody/nothing', name })).toBeNull();
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
      const merged = await read(number);
      expect(merged).toMatchObject({ state: 'merged', mergeCommit: commit, head, mergedBy: { login: world.us, kind: 'person' } });
      expect(merged.mergedAt?.getTime()).toBeGreaterThanOrEqual(merged.openedAt.getTime());
      // a job that is started again
      expect(await forge.merge(number, { head, method: 'merge' })).toBe(commit);
      expect(await forge.pullRequestsOfCommit(commit)).toEqual([merged]);
      expect(await forge.pullRequestsOfCommit('f'.repeat(40))).toEqual([]);
      // who pushed is asked by the branch's name afterwards, too
      await world.deleteBranch('merged');
      expect(await read(number)).toMatchObject({ state: 'merged', head, headRef: 'merged' });
      expect((await forge.pushes({ repository: merged.headRepository ?? '', name: 'merged' }))?.at(-1)).toMatchObject({ after: head });
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
        const said = { author: world.us, authorKind: 'person', bot: false, state, commit: head, body };
        expect((await forge.reviews(number)).at(-1)).toMatchObject(said);
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

  test('who is of a team', async () => {
    const team = await world.makeTeam();
    const { writer, reader } = world.people;
    const found = await Promise.all([writer, writer.toUpperCase(), reader, 'nobody-of-this-name'].map((login) => forge.isMember(login, team)));
    expect(found).toEqual(['yes', 'yes', 'no', 'no']);
    expect(await forge.isMember(writer, `${team}-that-is-not`)).toBe('unknown');
    expect(await forge.isMember(writer, 'team-of-no-organisation')).toBe('unknown');
  });

  test('a file as a commit has it, byte by byte', async () => {
    const text = '\uFEFFé\r\n\0😀';
    const commit = await world.pushBranch('contents', { 'a folder/a file': text, kept: null, empty: '' });
    expect(Buffer.from((await forge.fileAt(commit, 'a folder/a file')) ?? []).toString()).toBe(text);
    expect(await forge.fileAt(commit, 'empty')).toHaveLength(0);
    expect(await forge.fileAt(await world.main(), 'kept')).not.toBeNull();
    for (const none of ['kept', 'a folder/none', 'none/of it', '../kept', 'a folder/', '']) expect(await forge.fileAt(commit, none)).toBeNull();
    expect(await codeOf(forge.fileAt(commit, 'a folder'))).toBe('FORGE_FAILED');
    expect(await codeOf(forge.fileAt('f'.repeat(40), 'kept'))).toBe('FORGE_FAILED');
  });

  test('what is said of a commit: of each context the latest, and who said it', async () => {
    const head = await world.pushBranch('said', { kept: 'said' });
    expect(await forge.statuses(head)).toEqual([]);
    const says = (context: string, state: 'pending' | 'success') =>
      forge.setStatus(head, { context, state, description: state, link: 'https://ci.test/1' });
    await says('plumb/gate', 'pending');
    await says('plumb/promotion', 'pending');
    await says('plumb/gate', 'success');
    const by = { login: world.us, kind: 'person' };
    const said = (await forge.statuses(head)).toSorted((a, b) => (a.context < b.context ? -1 : 1));
    expect(said).toEqual([
      { context: 'plumb/gate', state: 'success', description: 'success', link: 'https://ci.test/1', by, app: null },
      { context: 'plumb/promotion', state: 'pending', description: 'pending', link: 'https://ci.test/1', by, app: null },
    ]);
  });

  test('an issue: opened, left alone, brought up to date, closed once with the reason, opened again; a marker of another is not ours', async () => {
    const issue = { marker: '<!-- plumbline:refused -->', title: 'not served', body: 'why', labels: ['plumbline'] };
    const theirs = await world.openIssue('not served', `${issue.marker}\nfill me`);
    const made = await forge.upsertIssue(issue);
    expect(made).toMatchObject({ state: 'made', url: expect.stringMatching(/^https?:/) as string });
    expect(made.number).not.toBe(theirs);
    expect(await forge.upsertIssue(issue)).toEqual({ ...made, state: 'unchanged' });
    expect(await forge.upsertIssue({ ...issue, body: 'why not' })).toEqual({ ...made, state: 'updated' });
    expect(await world.issue(made.number)).toEqual({ title: 'not served', body: `${issue.marker}\nwhy not`, open: true, labels: ['plumbline'] });
    expect([await forge.closeIssue(issue.marker, 'served again'), await forge.closeIssue(issue.marker, 'served again')]).toEqual([true, false]);
    expect((await world.issue(made.number)).open).toBe(false);
    expect(await world.comments(made.number)).toEqual([{ author: world.us, body: expect.stringContaining('served again') as string }]);
    expect(await forge.upsertIssue({ ...issue, body: 'why not', reopen: false })).toEqual({ ...made, state: 'unchanged' });
    expect(await forge.upsertIssue(issue)).toEqual({ ...made, state: 'updated' });
    expect((await world.issue(made.number)).open).toBe(true);
    expect(await world.issue(theirs)).toMatchObject({ body: `${issue.marker}\nfill me`, open: true });
    expect(await forge.closeIssue('<!-- plumbline:none -->', 'x')).toBe(false);
  });

  test('runs of a workflow at a time, and one by its number', async () => {
    const { file } = world.workflow;
    const hour = 3_600_000;
    const { id, from, to } = await world.runWorkflow();
    const path = `.github/workflows/${file}`;
    const run = (await forge.workflowRun(id)) ?? expect.fail('no run');
    expect(run).toMatchObject({ id, file: path, event: 'workflow_dispatch', by: { login: world.us, kind: 'person' }, branch: 'main' });
    expect(run.endedAt?.getTime()).toBeGreaterThanOrEqual(run.startedAt.getTime());
    expect(run.url).toMatch(new RegExp(`^https?://.+/actions/runs/\\d+$`));
    for (const name of [path, file]) expect((await forge.runsOfWorkflow(name, { from, to })).map((one) => one.id)).toContain(id);
    const later = { from: new Date(to.getTime() + hour), to: new Date(to.getTime() + 2 * hour) };
    const earlier = { from: new Date(from.getTime() - 2 * hour), to: new Date(from.getTime() - hour) };
    for (const between of [later, earlier]) expect(await forge.runsOfWorkflow(path, between)).toEqual([]);
    expect(await forge.runsOfWorkflow(`.gitea/workflows/${file}`, { from, to })).toEqual([]);
    expect(await forge.runsOfWorkflow('none.yml', { from, to })).toEqual([]);
    for (const none of ['999999', '0', '../x']) expect(await forge.workflowRun(none)).toBeNull();
  });

  test('where a forge keeps what is deployed: made once a key, its state as it was said last', async () => {
    const { deployments } = forge;
    expect(deployments === null).toBe(forge.kind === 'gitea');
    if (deployments === null) return;
    const commit = await world.pushBranch('deployed', { kept: 'deployed' });
    const wanted = { environment: 'production/intents', commit, key: 'sha256:1', description: 'intents of run 1', production: true };
    expect(await deployments.latest(wanted.environment)).toBeNull();
    const first = await deployments.create(wanted);
    expect(first).toMatchObject({ environment: wanted.environment, commit, key: 'sha256:1', state: null });
    expect((await deployments.create(wanted)).id).toBe(first.id);
    for (let time = 0; time < 2; time += 1) await deployments.setState(first.id, 'success', 'it answers', 'https://ci.test/1');
    expect(await deployments.latest(wanted.environment)).toEqual({ ...first, state: 'success' });
    const second = await deployments.create({ ...wanted, key: 'sha256:2' });
    expect(second.id).not.toBe(first.id);
    await deployments.setState(first.id, 'inactive', 'replaced', null);
    expect(await deployments.latest(wanted.environment)).toEqual(second);
    expect(await deployments.latest('staging')).toBeNull();
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
