import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf } from '../../base/digest.ts';
import { objectPath } from '../layout.ts';
import type { Landing, Piece } from './cache.ts';
import { content, filesBelow, newPlace, options } from './cache.fixture.ts';
import { isSealed } from './seal.ts';

/** Objects one behind the other, as they are landed. */
function gathered(objects: readonly { bytes: Buffer; isWhole?: boolean; pieces?: readonly Piece[] }[]): { bytes: Buffer; landings: Landing[] } {
  let at = 0;
  const landings = objects.map(({ bytes, isWhole = true, pieces = [] }): Landing => {
    at += bytes.length;
    return { digest: digestOf(bytes), at: at - bytes.length, length: bytes.length, isWhole, pieces };
  });
  // memory of its own, as it has to be to go to another thread
  const all = Buffer.allocUnsafeSlow(at);
  Buffer.concat(objects.map(({ bytes }) => bytes)).copy(all);
  return { bytes: all, landings };
}

for (const isMuch of [false, true]) {
  const how = { ...options, isMuch };
  const where = isMuch ? 'in a thread' : 'here';

  test(`objects that land ${where} are files of the cache, sealed, once the session ends; wrong ones are told and are not there`, async () => {
    const { root, open } = newPlace();
    const cache = open();
    const objects = [1, 2, 3, 2].map((number) => ({ bytes: content(number, 20_000) }));
    const { bytes, landings } = gathered(objects);
    bytes[40_000] = (bytes[40_000] ?? 0) ^ 1;
    const writer = await cache.openWriter();
    const landed = await writer.land(bytes, landings, how);
    expect(landed.wrong).toEqual([2]);
    expect(landed.bytes.length).toBe(80_000);
    expect(await cache.has(landings[0]!.digest)).toBe(false);
    await writer.close();
    for (const at of [0, 1]) {
      const path = objectPath(root, landings[at]!.digest);
      expect(readFileSync(path)).toEqual(objects[at]!.bytes);
      expect(statSync(path).mode & 0o777).toBe(0o444);
      expect(isSealed(statSync(path).mtimeMs, landings[at]!.digest)).toBe(true);
    }
    expect(filesBelow(join(root, 'objects')).length).toBe(2);
    expect(filesBelow(join(root, 'tmp'))).toEqual([]);
  });

  test(`pieces that land ${where} make a larger object, wherever they come`, async () => {
    const { open } = newPlace();
    const cache = open();
    const whole = Buffer.concat([content(1, 30_000), content(2, 10_000), content(1, 30_000)]);
    const writer = await cache.openWriter();
    const file = await writer.openFile(digestOf(whole), whole.length);
    const at = (offset: number): Piece => ({ path: file.path, offset });
    const { bytes, landings } = gathered([
      { bytes: content(2, 10_000), isWhole: false, pieces: [at(30_000)] },
      { bytes: content(1, 30_000), pieces: [at(40_000), at(0)] },
    ]);
    expect((await writer.land(bytes, landings, how)).wrong).toEqual([]);
    await file.done();
    await writer.close();
    expect(await cache.read(digestOf(whole))).toEqual(whole);
    // one of them was wanted for its own sake, too
    expect(await cache.read(landings[1]!.digest)).toEqual(content(1, 30_000));
    expect(await cache.has(landings[0]!.digest)).toBe(false);
  });

  test(`a file that cannot be written ${where} fails the session`, async () => {
    const { folder, root, open } = newPlace();
    const cache = open();
    const writer = await cache.openWriter();
    const { bytes, landings } = gathered([{ bytes: content(1, 20_000), pieces: [{ path: join(folder, 'file', 'in a file'), offset: 0 }] }]);
    writeFileSync(join(folder, 'file'), '');
    await expect(writer.land(bytes, landings, how)).rejects.toMatchObject({ code: 'FILE_MISSING' });
    await expect(writer.close()).rejects.toMatchObject({ code: 'FILE_MISSING' });
    await writer.abandon();
    expect(filesBelow(root)).toEqual([]);
  });
}
