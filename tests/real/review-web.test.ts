// The page of `plumb review --web` in a real browser: keys only, hostile rows, light and dark, a phone, and what another page can do to it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rowDigest } from '../../src/datasets/row-digest.ts';
import { jsonl, node, plumbFile, TestProject } from '../project.ts';
import { installChromium } from './servers/chromium.ts';

const rows = [
  { id: 'a', text: 'Mail 🙂 ada@example.org please', label: 'contact' },
  { id: 'b', text: '<img src=x onerror="document.title=1"><script>document.title=2</script>\u202eevil', label: 'card_arrival' },
  { id: 'c', text: 'x'.repeat(400), label: 'card_linking' },
  { id: 'd', text: 'last', label: 'card_arrival' },
];
const finding = { kind: 'EMAIL_ADDRESS', severity: 'error', column: 'text', span: [7, 22], message: 'an address' };

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch({ executablePath: installChromium(), args: ['--no-sandbox'] });
});
afterAll(() => browser.close());

interface Sitting {
  readonly project: TestProject;
  readonly url: string;
  readonly ended: Promise<number | null>;
  kill(): void;
  [Symbol.dispose](): void;
}

async function sitting(words: readonly string[] = []): Promise<Sitting> {
  const project = TestProject.create({ 'intents.jsonl': jsonl(rows) });
  await project.done('add', 'intents.jsonl', '--key', 'id', '--label', 'label');
  project.write(
    'flagged.jsonl',
    jsonl(
      rows.map((row, at) => ({ row: at + 1, key: row.id, digest: rowDigest(row), findings: [at === 0 ? finding : { ...finding, span: undefined }] })),
    ),
  );
  const child: ChildProcess = spawn(node, [plumbFile, 'review', 'intents', '--web', '--from', 'flagged.jsonl', ...words], {
    cwd: project.root,
    env: project.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const found = /http:\/\/\S+/.exec(said)?.[0];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => reject(new Error(said)));
  });
  return {
    project,
    url,
    ended,
    kill: () => void child.kill('SIGKILL'),
    [Symbol.dispose]() {
      child.kill('SIGKILL');
      project[Symbol.dispose]();
    },
  };
}

async function openPage(url: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<{ page: Page; faults: string[]; asked: string[] }> {
  const page = await browser.newPage(options);
  const faults: string[] = [];
  const asked: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('request', (request) => asked.push(new URL(request.url()).host));
  await page.goto(url);
  await page.locator('h2').waitFor();
  return { page, faults, asked };
}

const wait = (page: Page, text: string): Promise<void> => page.locator('h2', { hasText: text }).waitFor();

describe('the page', () => {
  test('a sitting by keys alone: edit, label by arrows, note, undo, reject, the end', async () => {
    using at = await sitting(['--commit']);
    const { page, faults, asked } = await openPage(at.url);
    expect(await page.locator('mark').allTextContents()).toEqual(['ada@example.orgEMAIL_ADDRESS']);
    expect(await page.locator('mark').evaluate((mark) => mark.firstChild?.textContent)).toBe('ada@example.org');
    await page.keyboard.press('e');
    await page.locator('textarea').first().waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('column0');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ControlOrMeta+a');
    // keys of the page are letters of a text while one is edited
    await page.keyboard.type('are queries real?');
    await page.keyboard.press('Control+Enter');
    await wait(page, 'row 2');
    await page.keyboard.press('l');
    await page.keyboard.type('card');
    expect(await page.locator('[role=option]').allTextContents()).toEqual(['card_arrival', 'card_linking']);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await wait(page, 'row 3');
    await page.keyboard.press('a');
    await wait(page, 'row 4');
    await page.keyboard.press('u');
    await wait(page, 'row 3');
    await page.keyboard.press('n');
    await page.keyboard.type('too long');
    await page.keyboard.press('Enter');
    await page.locator('h2', { hasText: 'too long' }).waitFor();
    await page.keyboard.press('r');
    await wait(page, 'row 4');
    await page.keyboard.press('s');
    await wait(page, 'That was the last one');
    await page.keyboard.press('q');
    await wait(page, 'Ended');
    expect(await at.ended).toBe(0);
    const { rows: decided } = (await at.project.done('review', 'list')) as {
      rows: { decisions: { action: string; edit?: object; note?: string }[] }[];
    };
    expect(
      decided
        .flatMap(({ decisions }) => decisions.map(({ action, edit, note }) => ({ action, edit, note })))
        .toSorted((a, b) => (a.action < b.action ? -1 : 1)),
    ).toEqual([
      { action: 'edit', edit: { text: 'are queries real?' }, note: undefined },
      { action: 'label', edit: { label: 'card_linking' }, note: undefined },
      { action: 'reject', edit: undefined, note: 'too long' },
    ]);
    expect(at.project.git('log', '-1', '--format=%s')).toMatch(/^review intents: /);
    expect(faults).toEqual([]);
    expect(new Set(asked)).toEqual(new Set([new URL(at.url).host]));
    await page.close();
  });

  test('rows are text, whatever they say; a reload goes on where it was', async () => {
    using at = await sitting();
    const { page, faults } = await openPage(at.url);
    await page.keyboard.press('s');
    await wait(page, 'row 2');
    expect(await page.locator('.column p').nth(1).textContent()).toBe(rows[1]?.text);
    expect(await page.locator('#row img, #row script').count()).toBe(0);
    expect(await page.title()).toBe('Plumbline: review');
    await page.reload();
    await wait(page, 'row 2');
    expect(faults).toEqual([]);
    await page.close();
  });

  test('on a phone and on a wide screen, in light and dark: nothing is wider than the page, all can be read', async () => {
    using at = await sitting();
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const viewport of [
        { width: 390, height: 844 },
        { width: 1280, height: 800 },
      ]) {
        const { page } = await openPage(at.url, { viewport, colorScheme });
        await page.keyboard.press('s');
        await page.locator('h2', { hasText: 'row' }).waitFor();
        expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
        expect(await page.evaluate(contrasts)).toEqual([]);
        await page.keyboard.press('b');
        await page.close();
      }
    }
  });

  test('all is there for who does not see it: names of buttons, of fields, of dialogs, what was done is said', async () => {
    using at = await sitting();
    const { page } = await openPage(at.url);
    for (const name of ['Accept', 'Edit', 'Reject', 'Label', 'Note', 'Skip', 'Back', 'Undo', 'End', 'Help'])
      expect(await page.getByRole('button', { name, exact: true }).count()).toBe(1);
    await page.keyboard.press('e');
    for (const name of ['id', 'text', 'label']) expect(await page.getByRole('textbox', { name, exact: true }).count()).toBe(1);
    await page.keyboard.press('Escape');
    await page.keyboard.press('l');
    expect(await page.getByRole('dialog', { name: 'Label' }).getByRole('combobox', { name: 'Label' }).count()).toBe(1);
    await page.keyboard.press('Escape');
    await page.keyboard.press('a');
    await page.getByRole('status').filter({ hasText: 'a accepted' }).waitFor();
    await page.close();
  });

  test('another page on this machine learns nothing and decides nothing', async () => {
    using at = await sitting();
    const { origin } = new URL(at.url);
    const evil = createServer((_request, response) => response.end('<!doctype html><p>evil</p>'));
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
    const tried = await page.evaluate(async (target) => {
      const post = (init: object): Promise<string> =>
        fetch(`${target}/api`, { method: 'POST', body: '{"op":"look"}', ...init }).then(
          async (response) => `${response.type} ${response.status} ${await response.text()}`,
          () => 'refused',
        );
      return [await post({ mode: 'no-cors' }), await post({}), await post({ headers: { authorization: 'Bearer x' } })];
    }, origin);
    expect(tried).toEqual(['refused', 'refused', 'refused']);
    const framed = await page.evaluate(`new Promise((resolve) => {
      const frame = Object.assign(document.createElement('iframe'), { src: ${JSON.stringify(`${origin}/`)} });
      frame.addEventListener('load', () => resolve(frame.contentDocument === null ? 'closed' : 'open'));
      document.body.append(frame);
    })`);
    expect(framed).toBe('closed');
    // without the token the page itself gets nothing
    const own = await browser.newPage();
    await own.goto(`${origin}/`);
    await own.getByRole('status').filter({ hasText: 'the token is missing or wrong' }).waitFor();
    expect(await own.locator('h2').count()).toBe(0);
    expect(await at.project.done('review', 'status', '--from', 'flagged.jsonl')).toMatchObject({ rows: { waiting: 4 } });
    await page.close();
    await own.close();
    await new Promise((resolve) => evil.close(resolve));
  });

  test('plumb is killed: the page says so, and what was decided is kept', async () => {
    using at = await sitting();
    const { page } = await openPage(at.url);
    await page.keyboard.press('a');
    await wait(page, 'row 2');
    at.kill();
    await at.ended;
    await page.keyboard.press('r');
    await page.getByRole('status').filter({ hasText: 'The server does not answer' }).waitFor();
    expect(await at.project.done('review', 'status', '--from', 'flagged.jsonl')).toMatchObject({ rows: { waiting: 3, accepted: 1, rejected: 0 } });
    await page.close();
  });
});

/** Texts whose contrast is below 4.5 : 1, as WCAG 2.2 counts it. Runs in the page, which has other types than we have here. */
const contrasts = `(() => {
  const channel = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r = 0, g = 0, b = 0]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (node) => {
    for (let at = node; at !== null; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0.99) return color;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('main *, nav *')].flatMap((node) => {
    const own = [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.textContent.trim() !== '');
    if (!own || node.closest('button:disabled') !== null) return [];
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))].toSorted((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    return ratio < 4.5 ? [node.tagName + ' ' + ratio.toFixed(2) + ' ' + node.textContent.slice(0, 30)] : [];
  });
})()`;
