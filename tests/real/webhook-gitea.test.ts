// A push to a real Gitea, its own webhook, a server that answers with the other model: T19 from the other side, for the headers are Gitea's own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import type { Digest } from '../../src/base/digest.ts';
import { createTestbed, trainTinyModels } from '../../src/serve/testbed.ts';
import { startGitea } from './servers/gitea/gitea.ts';

const program = join(import.meta.dirname, '../../bin/plumb.js');
const secret = 'a secret of thirty-two bytes, hm';

test('T19: what Gitea signs is taken; with another secret, or as a form, nothing happens', async () => {
  const gitea = await startGitea();
  onTestFinished(() => gitea.stop());
  const models = await trainTinyModels();
  onTestFinished(() => models.remove());
  const bed = await createTestbed();
  onTestFinished(() => bed.remove());
  const ada = await gitea.newUser('ada');
  await gitea.ask(ada, 'POST', '/user/repos', { name: 'r', private: true, default_branch: 'main' });
  const put = async (path: string): Promise<Digest> => (await bed.store.putFile(path)).digest;
  const [fruit, colour, other] = [await put(models.fruit), await put(models.colour), await put(models.other)];
  const push = (): Promise<string> => bed.gitCommand('push', '-q', gitea.cloneUrl(ada, 'ada/r'), 'main');
  await bed.promote(fruit);
  await push();
  const clone = join(bed.root, '.plumb', 'clone');
  await bed.gitCommand('clone', '-q', '--mirror', gitea.cloneUrl(ada, 'ada/r'), clone);
  const child = spawn(process.execPath, [program, '-C', clone, 'serve', '--webhook', '--fetch', '86400', '--port', '0', '--json'], {
    env: { ...process.env, PLUMB_WEBHOOK_SECRET: secret, PLUMB_CACHE: join(bed.root, '.plumb', 'cache') },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  child.stdout.resume();
  const { url } = JSON.parse(line) as { url: string };
  const ask = async (): Promise<string | undefined> => {
    const answer = await fetch(`${url}/v1/models/intents/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"text":"x"}',
    });
    return ((await answer.json()) as { model?: { digest: string } }).model?.digest;
  };
  const refused = async (): Promise<number> => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(/plumb_errors_total\{code="WEBHOOK_REFUSED"\} (\d+)/.exec(text)?.[1] ?? 0);
  };
  await expect.poll(ask, { timeout: 60_000 }).toBe(fruit);

  const hook = (type: string, key: string): Promise<{ id: number }> =>
    gitea.ask(ada, 'POST', '/repos/ada/r/hooks', {
      type: 'gitea',
      active: true,
      events: ['push'],
      config: { url: `${url}/hooks/forge`, content_type: type, secret: key },
    });
  // another secret; and a form, of which Gitea signs another text than it sends
  for (const [type, key, digest] of [
    ['json', 'another secret, as long as that one', colour],
    ['form', secret, other],
  ] as const) {
    const before = await refused();
    const { id } = await hook(type, key);
    await bed.promote(digest);
    await push();
    await expect.poll(refused, { timeout: 60_000 }).toBeGreaterThan(before);
    expect(await ask()).toBe(fruit);
    await gitea.ask(ada, 'DELETE', `/repos/ada/r/hooks/${id}`);
  }

  await hook('json', secret);
  await bed.promote(colour);
  await push();
  await expect.poll(ask, { timeout: 60_000 }).toBe(colour);
});
