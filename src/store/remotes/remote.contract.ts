// What every Remote must do. Run on a folder, on a web server over one, and in tests/real on real S3 servers and a real registry. Over 400 lines: one contract, read as one list.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf, hexOf, type Digest } from '../../base/digest.ts';
import type { ByteRange, PackRef, Remote, RemoteKind } from '../remote.ts';

export interface RemoteBench {
  readonly remote: Remote;
  /** Puts a thing there behind the remote's back: how one that cannot be written comes to have something. */
  plant?(kind: RemoteKind, key: string, bytes: Uint8Array): Promise<void>;
  /** of a pack that the backend sends in several parts; default 12 MiB */
  readonly bigPackBytes?: number;
  /** false: of writers at one instant several may be told that they were first (a registry). All read back one text in any case */
  readonly exactFirst?: boolean;
  close?(): Promise<void>;
}

const refused = (code: string): object => expect.objectContaining({ code });
const randomHex = (): string => randomBytes(32).toString('hex');
const { signal } = new AbortController();
const options = { signal };

interface Pack {
  readonly digest: Digest;
  readonly hex: string;
  readonly bytes: Buffer;
  readonly path: string;
}

export function remoteContract(name: string, open: () => Promise<RemoteBench>): void {
  describe(`${name} as a remote`, () => {
    let bench: RemoteBench;
    let remote: Remote;
    const folder = mkdtempSync(join(tmpdir(), 'plumb-contract-'));
    beforeAll(async () => {
      bench = await open();
      remote = bench.remote;
    });
    afterAll(async () => {
      await bench.close?.();
      rmSync(folder, { recursive: true, force: true });
    });

    function makePack(size: number): Pack {
      const bytes = randomBytes(size);
      const digest = digestOf(bytes);
      const path = join(folder, hexOf(digest));
      writeFileSync(path, bytes, { mode: 0o600 });
      return { digest, hex: hexOf(digest), bytes, path };
    }
    const send = (pack: Pack): Promise<number> => remote.writePack(pack.digest, { path: pack.path, bytes: pack.bytes.length }, options);
    const putText = (kind: 'receipts' | 'names', key: string, text: string | Buffer, packs: PackRef[] = []): Promise<boolean> =>
      remote.write(kind, key, Buffer.from(text), { ifAbsent: false, packs }, options);
    async function place(kind: 'receipts' | 'names' | 'packs' | 'condemned', key: string, bytes: Buffer): Promise<void> {
      if (bench.plant !== undefined) return bench.plant(kind, key, bytes);
      if (kind === 'receipts' || kind === 'names') return void (await putText(kind, key, bytes));
      const path = join(folder, key);
      writeFileSync(path, bytes);
      await remote.writePack(`sha256:${key}`, { path, bytes: bytes.length }, options);
      if (kind === 'condemned') await remote.movePack(`sha256:${key}`, 'condemned', options);
    }
    async function placePack(kind: 'packs' | 'condemned', size: number): Promise<Pack> {
      const pack = makePack(size);
      await place(kind, pack.hex, pack.bytes);
      return pack;
    }
    const read = async (kind: 'receipts' | 'names', key: string): Promise<string | undefined> => (await remote.read(kind, key, options))?.toString();
    const fetch = async (digest: Digest, range: ByteRange | null = null): Promise<Buffer> =>
      Buffer.concat(await Array.fromAsync(remote.readPack(digest, range, options)));

    describe('reading', () => {
      test('what is not there is null, false, or missing by name', async () => {
        expect(await remote.read('receipts', randomHex(), options)).toBe(null);
        expect(await remote.read('names', `runs/${randomHex()}`, options)).toBe(null);
        expect(await remote.has('packs', randomHex(), options)).toBe(false);
        expect(await remote.has('receipts', randomHex(), options)).toBe(false);
        const digest = digestOf(randomBytes(8));
        await expect(fetch(digest)).rejects.toEqual(expect.objectContaining({ code: 'BYTES_MISSING', message: expect.stringContaining(digest) }));
      });

      test('receipts and names come back as they were written, and are told apart', async () => {
        const key = randomHex();
        await place('receipts', key, Buffer.from('{"a":1}'));
        await place('names', `runs/${key}`, Buffer.from('a digest\n'));
        // the domains of CI are told apart, and a name may carry a signature of many runs
        const signed = `a digest\n${'s'.repeat(200 << 10)}\n`;
        for (const kind of ['trusted', 'pull7', 'fork7']) await place('names', `${kind}/${key}`, Buffer.from(`${kind}: ${signed}`));
        for (const kind of ['trusted', 'pull7', 'fork7']) expect(await read('names', `${kind}/${key}`)).toBe(`${kind}: ${signed}`);
        expect(await read('receipts', key)).toBe('{"a":1}');
        expect(await read('names', `runs/${key}`)).toBe('a digest\n');
        expect(await remote.has('receipts', key, options)).toBe(true);
        expect(await remote.has('names', `runs/${key}`, options)).toBe(true);
        expect(await remote.has('packs', key, options)).toBe(false);
      });

      test('a pack comes whole, and in ranges', async () => {
        const pack = await placePack('packs', 300_000);
        expect(digestOf(await fetch(pack.digest))).toBe(pack.digest);
        for (const [start, end] of [
          [0, 1],
          [0, 300_000],
          [100_000, 250_001],
          [299_999, 300_000],
        ] as const) {
          expect((await fetch(pack.digest, { start, end })).equals(pack.bytes.subarray(start, end))).toBe(true);
        }
        expect(await fetch(pack.digest, { start: 5, end: 5 })).toHaveLength(0);
      });

      test('a range ends where the pack ends', async () => {
        const pack = await placePack('packs', 1000);
        expect((await fetch(pack.digest, { start: 900, end: 5000 })).equals(pack.bytes.subarray(900))).toBe(true);
        expect(await fetch(pack.digest, { start: 1000, end: 5000 })).toHaveLength(0);
        expect(await fetch(pack.digest, { start: 2000, end: 5000 })).toHaveLength(0);
      });

      test('bytes are told as they come, and waited for', async () => {
        const pack = await placePack('packs', 3_000_000);
        let [told, waiting, got] = [0, 0, 0];
        const onBytes = async (bytes: number): Promise<void> => {
          expect(++waiting).toBe(1);
          await new Promise((resolve) => setImmediate(resolve));
          waiting--;
          told += bytes;
        };
        for await (const piece of remote.readPack(pack.digest, null, { signal, onBytes })) {
          got += piece.length;
          expect(told).toBe(got);
        }
        expect(got).toBe(3_000_000);
      });

      test('a reader that has enough leaves, and the remote answers others', async () => {
        const pack = await placePack('packs', 3_000_000);
        for (let turn = 0; turn < 5; turn++) {
          for await (const piece of remote.readPack(pack.digest, null, options)) {
            expect(piece.length).toBeGreaterThan(0);
            break;
          }
        }
        expect(await remote.has('packs', pack.hex, options)).toBe(true);
      });

      test('many readers at once get each their bytes', async () => {
        const pack = await placePack('packs', 200_000);
        const starts = Array.from({ length: 20 }, (_, at) => at * 9000);
        const parts = await Promise.all(starts.map((start) => fetch(pack.digest, { start, end: start + 20_000 })));
        for (const [at, part] of parts.entries()) expect(part.equals(pack.bytes.subarray(at * 9000, at * 9000 + 20_000))).toBe(true);
      });

      test('nothing at all is a thing, too', async () => {
        const pack = await placePack('packs', 0);
        await place('receipts', pack.hex, Buffer.alloc(0));
        expect(await fetch(pack.digest)).toHaveLength(0);
        expect(await fetch(pack.digest, { start: 0, end: 10 })).toHaveLength(0);
        expect(await read('receipts', pack.hex)).toBe('');
      });

      test('a key that is none never reaches the remote', async () => {
        const hex = randomHex();
        for (const key of ['', '..', `../${hex}`, hex.toUpperCase(), `${hex}0`, `runs/${hex}`, `${hex}\n`, `%2e%2e/${hex}`, `${hex}?a=b`]) {
          await expect(remote.read('receipts', key, options)).rejects.toEqual(refused('NAME_INVALID'));
          await expect(remote.has('packs', key, options)).rejects.toEqual(refused('NAME_INVALID'));
          await expect(fetch(`sha256:${key}`)).rejects.toEqual(refused('NAME_INVALID'));
        }
        for (const key of [hex, `runs/../${hex}`, `runs//${hex}`, `other/${hex}`, `runs/${hex}/x`, `pull/${hex}`, `pull07/${hex}`, `pull-7/${hex}`]) {
          await expect(remote.read('names', key, options)).rejects.toEqual(refused('NAME_INVALID'));
        }
      });

      test('who has stopped waiting is told so, with the own reason', async () => {
        const pack = await placePack('packs', 4_000_000);
        const reason = new Error('enough');
        const gone = { signal: AbortSignal.abort(reason) };
        await expect(remote.read('receipts', pack.hex, gone)).rejects.toBe(reason);
        await expect(remote.has('packs', pack.hex, gone)).rejects.toBe(reason);
        await expect(Array.fromAsync(remote.readPack(pack.digest, null, gone))).rejects.toBe(reason);
        const middle = new AbortController();
        const reading = async (): Promise<void> => {
          for await (const piece of remote.readPack(pack.digest, null, { signal: middle.signal })) if (piece.length > 0) middle.abort(reason);
        };
        await expect(reading()).rejects.toBe(reason);
      });

      test('condemned packs are found by readers, and are no packs to writers', async () => {
        if (remote.dropsPacks) return;
        const pack = await placePack('condemned', 5000);
        expect(await remote.has('packs', pack.hex, options)).toBe(false);
        expect(await remote.has('condemned', pack.hex, options)).toBe(true);
        expect(digestOf(await fetch(pack.digest))).toBe(pack.digest);
        expect((await fetch(pack.digest, { start: 10, end: 20 })).equals(pack.bytes.subarray(10, 20))).toBe(true);
      });

      test('the address that is shown has no user and no password', () => {
        expect(remote.url).not.toMatch(/@|password|secret|token/i);
        expect(remote.url.length).toBeGreaterThan(0);
      });
    });

    describe('writing', () => {
      test('a remote that is only read says so', async () => {
        if (remote.canWrite) return;
        const pack = makePack(10);
        await expect(send(pack)).rejects.toEqual(refused('REMOTE_READ_ONLY'));
        await expect(putText('receipts', randomHex(), 'x')).rejects.toEqual(refused('REMOTE_READ_ONLY'));
      });

      test('a pack is sent once; that it is there is no failure', async () => {
        if (!remote.canWrite) return;
        const pack = makePack(50_000);
        expect(await send(pack)).toBe(50_000);
        expect(await send(pack)).toBe(0);
        expect((await fetch(pack.digest)).equals(pack.bytes)).toBe(true);
      });

      test('a big pack goes in parts, and comes back as it was', async () => {
        if (!remote.canWrite) return;
        const pack = makePack(bench.bigPackBytes ?? 12 << 20);
        let told = 0;
        const sent = await remote.writePack(
          pack.digest,
          { path: pack.path, bytes: pack.bytes.length },
          { signal, onBytes: (bytes) => void (told += bytes) },
        );
        expect(sent).toBe(pack.bytes.length);
        expect(told).toBe(pack.bytes.length);
        expect(digestOf(await fetch(pack.digest))).toBe(pack.digest);
      });

      test('a file that its sender has no more use for may be taken', async () => {
        if (!remote.canWrite) return;
        const pack = makePack(20_000);
        await remote.writePack(pack.digest, { path: pack.path, bytes: 20_000, disposable: true }, options);
        rmSync(pack.path, { force: true });
        expect((await fetch(pack.digest)).equals(pack.bytes)).toBe(true);
      });

      test('several send the same pack at once', async () => {
        if (!remote.canWrite) return;
        const pack = makePack(400_000);
        await Promise.all(Array.from({ length: 8 }, () => send(pack)));
        expect((await fetch(pack.digest)).equals(pack.bytes)).toBe(true);
      });

      test('a pack whose sending was stopped is not there, and can be sent', async () => {
        if (!remote.canWrite) return;
        const pack = makePack(4_000_000);
        const reason = new Error('enough');
        const stop = new AbortController();
        const sending = remote.writePack(
          pack.digest,
          { path: pack.path, bytes: pack.bytes.length },
          { signal: stop.signal, onBytes: () => stop.abort(reason) },
        );
        await expect(sending).rejects.toBe(reason);
        expect(await remote.has('packs', pack.hex, options)).toBe(false);
        expect(await send(pack)).toBe(4_000_000);
      });

      test('a pack whose file is gone is the file that is missing, not the remote that failed', async () => {
        if (!remote.canWrite) return;
        const pack = makePack(10);
        rmSync(pack.path);
        await expect(send(pack)).rejects.toEqual(refused('FILE_MISSING'));
        expect(await remote.has('packs', pack.hex, options)).toBe(false);
      });

      test('a receipt names its packs, and the last one written counts', async () => {
        if (!remote.canWrite) return;
        const pack = makePack(1000);
        await send(pack);
        const key = randomHex();
        expect(await putText('receipts', key, 'one', [{ digest: pack.digest, bytes: 1000, tail: 900 }])).toBe(true);
        expect(await putText('receipts', key, 'two', [{ digest: pack.digest, bytes: 1000, tail: 900 }])).toBe(true);
        expect(await read('receipts', key)).toBe('two');
      });

      test('who reads while a receipt is replaced gets one or the other, whole', async () => {
        if (!remote.canWrite) return;
        const key = randomHex();
        const texts = ['a', 'b'].map((letter) => letter.repeat(200_000));
        await putText('receipts', key, texts[0] ?? '');
        let writing = true;
        const writer = (async () => {
          for (let turn = 0; turn < 10; turn++) await putText('receipts', key, texts[turn % 2] ?? '');
          writing = false;
        })();
        const reader = async (): Promise<void> => {
          while (writing) expect(texts.includes((await read('receipts', key)) ?? '')).toBe(true);
        };
        await Promise.all([writer, reader(), reader()]);
      });

      test('of 20 writers of one name at once one is the first, and all read its text', async () => {
        if (!remote.canWrite) return;
        const key = `runs/${randomHex()}`;
        const write = (text: string): Promise<boolean> => remote.write('names', key, Buffer.from(text), { ifAbsent: true, packs: [] }, options);
        const first = await Promise.all(Array.from({ length: 20 }, (_, at) => write(`writer ${at}`)));
        const winners = first.flatMap((won, at) => (won ? [at] : []));
        if (bench.exactFirst === false) expect(winners.length).toBeGreaterThan(0);
        else expect(winners).toHaveLength(1);
        const text = await read('names', key);
        expect(winners.map((at) => `writer ${at}`)).toContain(text);
        expect(await write('too late')).toBe(false);
        expect(await read('names', key)).toBe(text);
      });

      test('a key that is none is never written', async () => {
        if (!remote.canWrite) return;
        await expect(putText('names', '../../outside', 'x')).rejects.toEqual(refused('NAME_INVALID'));
        await expect(putText('receipts', `${randomHex()}/..`, 'x')).rejects.toEqual(refused('NAME_INVALID'));
      });
    });

    describe('keeping house', () => {
      const keys = async (kind: RemoteKind): Promise<string[]> => (await Array.fromAsync(remote.list(kind, options))).map((entry) => entry.key);

      test('a remote that cannot list says so', async () => {
        if (remote.canList) return;
        await expect(keys('packs')).rejects.toEqual(refused('REMOTE_CANNOT'));
        await expect(remote.remove('packs', randomHex(), options)).rejects.toEqual(refused('REMOTE_CANNOT'));
        await expect(remote.movePack(digestOf('x'), 'condemned', options)).rejects.toEqual(refused('REMOTE_CANNOT'));
      });

      test('what is there is listed with its size, each kind by itself', async () => {
        if (!remote.canList) return;
        const started = Date.now();
        const pack = await placePack('packs', 1234);
        const gone = remote.dropsPacks ? null : await placePack('condemned', 99);
        const [receipt, run] = [randomHex(), `pull7/${randomHex()}`];
        await putText('receipts', receipt, 'four', [{ digest: pack.digest, bytes: 1234, tail: 1000 }]);
        await putText('names', run, 'fives');
        const packs = await Array.fromAsync(remote.list('packs', options));
        const found = packs.find((entry) => entry.key === pack.hex);
        expect(found?.bytes).toBe(1234);
        if (found?.modified) expect(Math.abs(found.modified.getTime() - started)).toBeLessThan(60_000);
        expect(packs.map((entry) => entry.key)).not.toContain(gone?.hex);
        expect(await keys('condemned')).toEqual(gone === null ? [] : expect.arrayContaining([gone.hex]));
        expect(await keys('receipts')).toContain(receipt);
        expect(await keys('names')).toContain(run);
        expect(new Set(packs.map((entry) => entry.key)).size).toBe(packs.length);
      });

      test('what is removed is gone; what is not there is removed, too', async () => {
        if (!remote.canList) return;
        const pack = await placePack('packs', 100);
        const [receipt, run] = [randomHex(), `runs/${randomHex()}`];
        await putText('receipts', receipt, 'x');
        await putText('names', run, 'y');
        for (let turn = 0; turn < 2; turn++) {
          if (!remote.dropsPacks) await remote.remove('packs', pack.hex, options);
          await remote.remove('receipts', receipt, options);
          await remote.remove('names', run, options);
        }
        expect(await read('receipts', receipt)).toBe(undefined);
        expect(await read('names', run)).toBe(undefined);
        if (remote.dropsPacks) return;
        expect(await remote.has('packs', pack.hex, options)).toBe(false);
        await expect(fetch(pack.digest)).rejects.toEqual(refused('BYTES_MISSING'));
        expect(await keys('packs')).not.toContain(pack.hex);
      });

      test('a remote that drops packs by itself lets nobody else do it', async () => {
        if (!remote.dropsPacks) return;
        const pack = await placePack('packs', 100);
        await expect(remote.movePack(pack.digest, 'condemned', options)).rejects.toEqual(refused('REMOTE_CANNOT'));
        await expect(remote.remove('packs', pack.hex, options)).rejects.toEqual(refused('REMOTE_CANNOT'));
        expect((await fetch(pack.digest)).equals(pack.bytes)).toBe(true);
      });

      test('a pack is condemned and taken back, and read all the time', async () => {
        if (!remote.canList || remote.dropsPacks) return;
        const pack = await placePack('packs', 10_000);
        let moving = true;
        const reader = (async () => {
          while (moving) expect(digestOf(await fetch(pack.digest))).toBe(pack.digest);
        })();
        for (let turn = 0; turn < 3; turn++) {
          await remote.movePack(pack.digest, 'condemned', options);
          expect(await remote.has('packs', pack.hex, options)).toBe(false);
          await remote.movePack(pack.digest, 'packs', options);
          await remote.movePack(pack.digest, 'packs', options);
          expect(await remote.has('condemned', pack.hex, options)).toBe(false);
        }
        moving = false;
        await reader;
        await expect(remote.movePack(digestOf(randomBytes(8)), 'condemned', options)).rejects.toEqual(refused('BYTES_MISSING'));
      });

      test('what was condemned is as young as that', async () => {
        if (!remote.canList || remote.dropsPacks) return;
        const pack = await placePack('packs', 300);
        // the clocks of servers may tick in whole seconds
        await sleep(2100);
        const began = Date.now();
        await remote.movePack(pack.digest, 'condemned', options);
        for await (const { key, modified } of remote.list('condemned', options)) {
          if (key === pack.hex && modified !== null) expect(modified.getTime()).toBeGreaterThan(began - 1100);
        }
      });

      test('a receipt that was taken back is kept under a name, however long', async () => {
        if (!remote.canList) return;
        const pack = await placePack('packs', 500);
        const key = `condemned/${randomHex()}`;
        const text = `{"packs":"${'x'.repeat(20_000)}"}`;
        expect(await putText('names', key, text, [{ digest: pack.digest, bytes: 500, tail: 400 }])).toBe(true);
        expect(await read('names', key)).toBe(text);
        expect(await keys('names')).toContain(key);
        await remote.remove('names', key, options);
        expect(await read('names', key)).toBe(undefined);
      });

      test('a pack that was condemned can be sent anew, and condemned again', async () => {
        if (!remote.canList || remote.dropsPacks) return;
        const pack = await placePack('condemned', 700);
        expect(await send(pack)).toBe(700);
        expect(await remote.has('packs', pack.hex, options)).toBe(true);
        await remote.movePack(pack.digest, 'condemned', options);
        expect(await remote.has('packs', pack.hex, options)).toBe(false);
        expect(digestOf(await fetch(pack.digest))).toBe(pack.digest);
      });
    });
  });
}
