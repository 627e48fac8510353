// Promotion on a forge that nobody here wrote, by the workflows that `plumb init --forge gitea` writes: refused without approval, refused with the wrong ones,
// merged with the right ones, judged again, recorded, served; taken back in four ways; attacked; revoked; and audited by somebody who asks nobody.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forge } from '../../src/registry/judge.fixture.ts';
import type { Pointer } from '../../src/registry/schema.ts';
import type { Follower } from './follower.ts';
import { pointer, PromotionStory, repository, type Person, type Pull } from './promotion-story.ts';

const verifier = fileURLToPath(new URL('../verify_audit.py', import.meta.url));
const promotes = /^plumb\/promote\/intents-production-/;

let story: PromotionStory;
/** one that the forge tells, and one that looks every second */
let followers: { webhook: Follower; polling: Follower };
/** pointers of the first model and of the second, as they stood on main */
let good: string;
let bad: string;
/** what the merge of each move was followed by */
const times: string[] = [];

const artifactIn = (text: string): string => (JSON.parse(text) as Pointer).artifact.digest;

beforeAll(async () => {
  story = await PromotionStory.start();
  const { team } = story;
  await story.train();
  await team.plumb('run');
  await team.plumb('promote', 'intents', '--to', 'production');
  good = team.read(pointer);
  team.edit('params.yaml', (text) => text.replace('learning_rate: 1.5', 'learning_rate: 1.2'));
  await team.commit('a smaller step');
  await story.train();
  // its part is told in gitea-loop.test.ts
  await story.pauseJobs('plumbline.yml');
  // somebody trusted ada to push in an emergency: a gap that `plumb doctor` tells of, and that is used below
  await story.ask('ada', 'POST', '/branch_protections', {
    rule_name: 'main',
    enable_push: true,
    enable_push_whitelist: true,
    push_whitelist_usernames: ['ada'],
    enable_status_check: true,
    status_check_contexts: ['plumb/promotion'],
  });
});

afterAll(async () => {
  await story?.[Symbol.asyncDispose]();
  if (times.length > 0) process.stdout.write(`\nfrom the merge on a real forge, deployed by its own runner (seconds):\n${times.join('\n')}\n`);
});

/** Until both servers answer with it. */
async function served(what: string, artifact: string, since: number): Promise<void> {
  const { webhook, polling } = followers;
  const found = await Promise.all([webhook.answersWith(artifact), polling.answersWith(artifact)]).catch(async (error: unknown) => {
    throw new Error(await story.lastLogs(), { cause: error });
  });
  tell(what, found, since);
}

function tell(what: string, found: readonly number[], since: number): void {
  const [told, looked] = found.map((at) => ((at - since) / 1000).toFixed(2));
  times.push(`  ${what.padEnd(44)} told by webhook ${told}, polling every second ${looked}`);
}

async function mergeAs(who: Person, number: number): Promise<{ commit: string; at: number }> {
  const at = performance.now();
  expect(await story.merge(number, who)).toMatchObject({ status: 200 });
  const { merge_commit_sha: commit } = await story.pull(number);
  return { commit: commit ?? '', at };
}

async function isNotMerged(number: number): Promise<void> {
  const { status, said } = await story.merge(number, 'bea');
  expect(status).toBe(405);
  expect(said).toMatch(/status check|required/i);
}

test('the log of decisions begins by hand, and what it says is served', async () => {
  const before = (await story.ended('deploy.yml')).length;
  await story.dispatch('ada', 'deploy.yml', { start: 'true', reason: 'the first day' });
  const run = await story.endOf('deploy.yml', before);
  expect(run.conclusion, await story.logOf(run.id)).toBe('success');
  expect((await story.log()).records.map(({ decision }) => decision.kind)).toEqual(['start']);
  followers = {
    webhook: await story.follow('told', ['--webhook'], { secret: 'a secret of thirty-two bytes, hm' }),
    polling: await story.follow('looks', ['--fetch', '1']),
  };
  await Promise.all(Object.values(followers).map((one) => one.answersWith(artifactIn(good))));
});

let promotion: Pull;

test('a button opens the promotion; without approval the check says which lack, and the forge does not merge it', async () => {
  await story.dispatch('ann', 'promote.yml', { models: 'intents', stage: 'production', reason: 'a smaller step' });
  const run = await story.endOf('promote.yml', 0);
  expect(run.conclusion, await story.logOf(run.id)).toBe('success');
  promotion = await story.pullOf(promotes);
  expect(promotion.user.login).toBe('plumb');
  const { comment } = await story.checked(promotion.number, 'pending', 'approvals');
  expect(comment).toContain('1 approval is needed by members of team ml');
  await isNotMerged(promotion.number);
});

describe('wrong approvals', () => {
  test('of whoever started it, of somebody in another team, and with a request for changes', async () => {
    for (const [who, event] of [
      ['ann', 'APPROVED'],
      ['mallory', 'APPROVED'],
      ['bea', 'REQUEST_CHANGES'],
    ] as const)
      expect(await story.review(promotion.number, who, event)).toMatchObject({ status: 200 });
    const reasons = ['`ann` does not count: started a job', '`mallory` does not count: is not among members of team ml', 'bea asked for changes'];
    await story.checked(promotion.number, 'pending', ...reasons);
    await isNotMerged(promotion.number);
  });

  test('T15: of other bytes than are there now; back at what was approved it counts again', async () => {
    await story.review(promotion.number, 'bea', 'APPROVED');
    await story.checked(promotion.number, 'success', '`bea` counts');
    const { ref, sha } = promotion.head;
    await story.pullMain();
    await story.team.git('checkout', '--quiet', '--detach', sha);
    bad = story.team.read(pointer);
    story.team.edit(pointer, (text) => text.replace(/"accuracy": [\d.]+/, '"accuracy": 0.5'));
    await story.team.commit('a better number');
    await story.push('carl', `HEAD:refs/heads/${ref}`);
    await story.checked(
      promotion.number,
      'failure',
      '`bea` does not count: approved something else',
      'accuracy is 1 in its report and 0.5 in the pointer',
    );
    await isNotMerged(promotion.number);
    await story.push('carl', `+${sha}:refs/heads/${ref}`);
    await story.checked(promotion.number, 'success', '`bea` counts');
  });
});

describe('what no approval would help', () => {
  test('T12, T13: a pull request that changes policy and pointer, and one whose report flatters', async () => {
    const { team } = story;
    const lower = await story.offer('mallory', 'lower-bar', async () => {
      await team.git('checkout', promotion.head.sha, '--', 'models');
      team.edit('policy.yaml', (text) => text.replace('at_least: 0.8', 'at_least: 0.1'));
      await team.commit('a lower bar');
    });
    const flattered = await story.offer('mallory', 'flattered', async () => {
      await team.git('checkout', promotion.head.sha, '--', 'models');
      await flatter();
    });
    await story.checked(lower.number, 'failure', 'it changes `policy.yaml` and what is judged by it');
    await story.checked(flattered.number, 'failure', 'the report says "better", and the comparison');
    for (const { number } of [lower, flattered]) {
      await story.review(number, 'bea', 'APPROVED');
      await isNotMerged(number);
      await story.ask('ada', 'PATCH', `/pulls/${number}`, { state: 'closed' });
    }
  });
});

/** The promotion in the work tree, with a kinder word in its report; all digests fit. */
async function flatter(): Promise<void> {
  const { work } = story.team;
  const write = async (files: Readonly<Record<string, string | Uint8Array>>): Promise<void> => {
    for (const [path, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(work, path)), { recursive: true });
      writeFileSync(join(work, path), bytes);
    }
  };
  const place = {
    root: work,
    top: work,
    prefix: '',
    write,
    run: (...words: string[]) => story.team.git(...words),
    commitAll: (message: string) => story.team.commit(message),
  };
  await forge({ repository: place }, async ({ pointer: named, read, put }) => {
    named.report = await put({ ...(await read<object>(named.report)), verdict: 'better' });
  });
}

test('with the right approval it is merged, judged again, recorded, and served', async () => {
  const { commit, at } = await mergeAs('bea', promotion.number);
  await served('promotion', artifactIn(bad), at);
  expect(await story.pointerOnMain()).toBe(bad);
  const { decision, signedBy } = await story.recordOf(commit);
  expect(decision).toMatchObject({ kind: 'promotion', holds: true, pull: { number: promotion.number, author: 'plumb', mergedBy: 'bea' } });
  expect(decision.approvals.map(({ login }) => login)).toEqual(['bea']);
  expect(signedBy).toMatchObject({ kind: 'key' });
});

/** The second model comes again, with a reason and an approval. */
async function promoteAgain(): Promise<string> {
  await story.pullMain();
  const { pull } = await story.plumb<{ pull: { number: number } }>(
    'ann',
    'promote',
    'intents',
    '--to',
    'production',
    '--pr',
    '--again',
    '--reason',
    'once more',
  );
  // the forge itself takes no approval of whoever opened it
  expect((await story.review(pull.number, 'ann', 'APPROVED')).status).toBe(422);
  await story.review(pull.number, 'bea', 'APPROVED');
  await story.checked(pull.number, 'success', '`bea` counts');
  const { commit, at } = await mergeAs('bea', pull.number);
  await served('promotion, again', artifactIn(bad), at);
  return commit;
}

/** A pull request that goes back, by the fast lane: nobody approves, and it is served. */
async function goesBack(what: string, number: number): Promise<void> {
  await story.checked(number, 'success', /fast lane|hold/);
  const { commit, at } = await mergeAs('carl', number);
  await isBack(what, commit, at);
}

async function isBack(what: string, commit: string, at: number): Promise<void> {
  await served(what, artifactIn(good), at);
  expect(await story.pointerOnMain()).toBe(good);
  expect((await story.recordOf(commit)).decision).toMatchObject({ kind: 'rollback', holds: true, approvals: [] });
}

describe('four ways back, one end', () => {
  test('git revert by hand, as a pull request; and no automation brings it again', async () => {
    const merged = await story.pullMain();
    const pull = await story.offer('carl', 'by-hand', () => story.team.git('revert', '--no-edit', '-m', '1', merged));
    await goesBack('git revert, by hand', pull.number);
    const before = (await story.ended('promote.yml')).length;
    await story.dispatch('ann', 'promote.yml', { models: 'intents', stage: 'production', reason: 'it is better' });
    const run = await story.endOf('promote.yml', before);
    expect(run.conclusion).toBe('failure');
    expect(await story.logOf(run.id)).toContain('PROMOTION_REFUSED');
  });

  test("the forge's own button", async () => {
    const merged = await promoteAgain();
    await story.pressRevert('carl', merged, 'by-button');
    await goesBack("the forge's revert button", (await story.openPull('carl', 'by-button')).number);
  });

  test('plumb rollback --pr', async () => {
    await promoteAgain();
    const { pull } = await story.plumb<{ pull: { number: number } }>('carl', 'rollback', 'intents', '--pr', '--reason', 'cards go astray');
    await goesBack('plumb rollback --pr', pull.number);
  });

  test('rollback.yml', async () => {
    await promoteAgain();
    const pressed = performance.now();
    await story.dispatch('carl', 'rollback.yml', { model: 'intents', stage: 'production', to: '', reason: 'at night' });
    const { number } = await story.pullOf(/^plumb\/rollback\//);
    const { merge_commit_sha: commit } = await story.until(`the merge of ${number}`, async () => {
      const pull = await story.pull(number);
      return pull.merged ? pull : null;
    });
    const merged = performance.now();
    times.push(`  ${'rollback.yml: from the button to the merge'.padEnd(44)} ${((merged - pressed) / 1000).toFixed(2)}`);
    await isBack('rollback.yml', commit ?? '', merged);
  });
});

/** Posts what the check would post, by the token of its job. */
const forging = `name: looks good
on: { pull_request_review: { types: [submitted] } }
jobs:
  forge:
    runs-on: ubuntu-latest
    steps:
      - env:
          TOKEN: \${{ github.token }}
          SHA: \${{ github.event.pull_request.head.sha }}
        run: |
          node -e '
            const body = JSON.stringify({ context: "plumb/promotion", state: "success", description: "promotion: 13 points hold" });
            const { TOKEN, SHA, GITHUB_API_URL, GITHUB_REPOSITORY } = process.env;
            const headers = { authorization: "token " + TOKEN, "content-type": "application/json" };
            fetch(GITHUB_API_URL + "/repos/" + GITHUB_REPOSITORY + "/statuses/" + SHA, { method: "POST", headers, body }).then((answer) => process.exit(answer.ok ? 0 : 1));
          '
`;
const noticed = '.gitea/workflows/review-noticed.yml';

describe('T13, T16: what stood on main without the right approvals is found afterwards', () => {
  /** Each server has looked at main since, and answers as before. */
  async function isRefused(commit: string): Promise<string[]> {
    const { decision } = await story.recordOf(commit);
    expect(decision).toMatchObject({ holds: false, moves: [{ served: false }] });
    await story.until('an issue', async () => ((await story.issues()).some((title) => title.includes(commit.slice(0, 12))) ? {} : null));
    for (const one of Object.values(followers)) expect(one.answers.at(-1)).toBe(artifactIn(good));
    return decision.points.filter(({ holds }) => holds !== true).map(({ point }) => point);
  }

  async function promoteHere(): Promise<void> {
    await story.team.plumb('promote', 'intents', '--to', 'production', '--again', '--reason', 'I say so');
  }

  test('a workflow on pull_request_review that is the pull request’s own forges the check, and is merged', async () => {
    const pull = await story.offer('mallory', 'forging', async () => {
      await promoteHere();
      story.team.write(noticed, forging);
      await story.team.commit('tidy workflows');
    });
    await story.checked(pull.number, 'failure', noticed);
    await isNotMerged(pull.number);
    // of all things, a no starts it
    await story.review(pull.number, 'bea', 'REQUEST_CHANGES');
    // the check says no again some seconds later: time enough
    await story.until('a merge', async () => ((await story.merge(pull.number, 'mallory')).status === 200 ? {} : null));
    const { merge_commit_sha: commit } = await story.pull(pull.number);
    expect(await isRefused(commit ?? '')).toEqual(expect.arrayContaining(['files', 'approvals']));
  });

  test('an administrator pushes past the rules', async () => {
    const merged = await story.pullMain();
    await story.team.git('revert', '--no-edit', '-m', '1', merged);
    await story.push('ada', 'HEAD:refs/heads/main');
    const back = await story.pullMain();
    expect((await story.recordOf(back)).decision).toMatchObject({ kind: 'rollback', holds: true });
    await promoteHere();
    await story.push('ada', 'HEAD:refs/heads/main');
    expect(await isRefused(await story.pullMain())).toEqual(expect.arrayContaining(['approvals']));
  });

  test('who may break the glass does so with a reason, which stays', async () => {
    const begun = performance.now();
    await story.dispatch('ada', 'deploy.yml', { 'break-glass': 'intents', stage: 'production', reason: 'everybody sleeps' });
    await served('break glass, from the button', artifactIn(bad), begun);
    const { decision } = (await story.log()).records.at(-1) ?? {};
    expect(decision).toMatchObject({ kind: 'glass', reason: 'everybody sleeps', approvals: [{ login: 'ada' }] });
  });
});

test('a model is taken out for good: servers let go of it at once, and nothing brings it again', async () => {
  await story.pullMain();
  const wish = ['revoke', 'intents', artifactIn(bad), '--reason', 'rows that had to be deleted', '--pr'];
  const { pull } = await story.plumb<{ pull: { number: number } }>('carl', ...wish);
  await story.review(pull.number, 'bea', 'APPROVED');
  await story.checked(pull.number, 'success');
  const { commit, at } = await mergeAs('bea', pull.number);
  const free = await Promise.all([followers.webhook.letsGoOf(artifactIn(bad)), followers.polling.letsGoOf(artifactIn(bad))]);
  tell('revocation: not answered any more', free, at);
  await served('revocation: the earlier model answers', artifactIn(good), at);
  expect(await story.pointerOnMain()).toBe(good);
  expect((await story.recordOf(commit)).decision).toMatchObject({ kind: 'revocation', holds: true });
  const again = ['promote', 'intents', '--to', 'production', '--pr', '--again', '--reason', 'please'];
  await expect(story.plumb('ann', ...again)).rejects.toThrow(/revoked/i);
});

test('an auditor with nothing but a clone finds all of it; a verifier in Python agrees; nothing else was ever served', async () => {
  const { top, team, gitea, auditKey } = story;
  const folder = join(top, 'auditor');
  await team.start('git', ['clone', '--quiet', gitea.cloneUrl(story.user('server'), repository), folder], top);
  const audit = (...words: string[]): Promise<string> => team.plumb('-C', folder, ...words);
  await audit('audit', 'verify', '--audit-key', auditKey);
  await audit('verify', '--history');
  const out = join(top, 'export');
  await audit('audit', 'export', out, '--audit-key', auditKey);
  await audit('audit', 'verify', out, '--audit-key', auditKey);
  const said = execFileSync('python3', [verifier, out, '--pin', auditKey], { encoding: 'utf8' });
  expect(said).not.toContain('FAULT');
  const answered = [good, bad].map(artifactIn);
  const day = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0].map((at) => answered[at]);
  // before it was loaded there was none, and between the revocation and the way back there may have been none
  for (const one of Object.values(followers)) expect(one.answers.filter((answer) => answer.startsWith('sha256:'))).toEqual(day);
  for (const login of ['plumb', 'server'] as const)
    for (const one of Object.values(followers)) expect(one.said()).not.toContain(story.user(login).token);
  rmSync(out, { recursive: true });
});
