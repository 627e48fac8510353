// The bytes of nodes: what they are is fixed, and what is none is refused.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../base/digest.ts';
import { diffFileTrees } from './file-diff.ts';
import { walkFiles } from './file-walk.ts';
import { decodeNode, decodeRowPlaces } from './node.ts';
import { NodeWriter } from './node-writer.ts';
import { walkChunks } from './row-walk.ts';
import { chunkOf, fileOf, listOf, manyChunks, manyFiles, Nodes } from './tree.fixture.ts';

const invalid = expect.objectContaining({ code: 'MANIFEST_INVALID' });

/** A node as the format allows it, whatever a builder would do. */
function nodeOf(
  kind: 'files' | 'rows',
  level: number,
  entries: readonly (readonly [digest: string, number: number, size: number, ...texts: string[]])[],
): Buffer {
  const writer = new NodeWriter(kind, level);
  for (const [content, number, size, ...texts] of entries) {
    writer.add(digestOf(content), number, size);
    if (kind === 'rows') writer.flag(texts.length > 0 ? 1 : 0);
    for (const text of texts) writer.text(text);
  }
  return writer.finish();
}

describe('golden bytes', () => {
  test('of a leaf of files', () => {
    const node = nodeOf('files', 0, [
      ['one', 1, 300, 'a/ä'],
      ['two', 0, 0, 'a/ö'],
    ]);
    expect(node.toString('hex')).toBe(
      '504c54524545310a01000200' +
        '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed' +
        '3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3' +
        '0100' + // executable, not
        'ac0200' + // 300, 0
        '0004612fc3a4' +
        '0301b6', // three bytes shared: half a character is shared, too
    );
    expect(decodeNode(node)).toEqual({
      kind: 'files',
      size: node.length,
      level: 0,
      children: [],
      entries: [
        { path: 'a/ä', digest: digestOf('one'), bytes: 300, executable: true },
        { path: 'a/ö', digest: digestOf('two'), bytes: 0, executable: false },
      ],
    });
  });

  test('of a node of rows', () => {
    const node = nodeOf('rows', 1, [
      ['one', 5, 128, 'k1', 'k2'],
      ['two', 0, 1],
    ]);
    expect(node.toString('hex', 12 + 64)).toBe('05008001010100026b3101013200');
    expect(decodeNode(node)).toMatchObject({
      kind: 'rows',
      level: 1,
      children: [{ rows: 5, bytes: 128, keys: { first: 'k1', last: 'k2' } }, { keys: null }],
    });
    const { names, ...places } = decodeRowPlaces(node);
    expect(names.map((name) => `sha256:${Buffer.from(name, 'latin1').toString('hex')}`)).toEqual([digestOf('one'), digestOf('two')]);
    expect(places).toEqual({ size: node.length, level: 1, rows: [5, 0], bytes: [128, 1] });
    expect(() => decodeRowPlaces(node.subarray(0, 12 + 64 + 3))).toThrow(invalid);
    expect(() => decodeRowPlaces(nodeOf('rows', 0, [['one', 5, 0]]))).toThrow(invalid);
    expect(() => decodeRowPlaces(nodeOf('files', 0, []))).toThrow(invalid);
  });

  test('of whole trees: a change of the format or of the boundaries changes these', () => {
    const nodes = new Nodes();
    expect(nodes.files([]).root).toBe('sha256:5dc60345dd56d748f1e3c61dd7a1de31007a37dda3b5760ec300ed3ec6584075');
    expect(nodes.rows([]).root).toBe('sha256:3b5f1bbfecce3743b96ad4954d471cbf4a2cd33812ed5b7520e861067fe46f34');
    expect(nodes.files(manyFiles(10_000)).root).toBe('sha256:3bbb01a766ba259a1dd02bd3018e13b592c814fbb90db7ec3161200f066090c3');
    expect(nodes.rows(manyChunks(10_000)).root).toBe('sha256:3cf1f6d14b11b32a3473dfc624967ff4109656222aa79cd03c25c0bade95ecee');
    expect(nodes.byDigest.size).toBe(265);
  });
});

describe('hostile bytes', () => {
  test('whatever they are, they are refused with a code or are a node', () => {
    const nodes = new Nodes();
    nodes.files(manyFiles(3000));
    nodes.rows(manyChunks(2000));
    nodes.files(Array.from({ length: 50 }, (_, at) => fileOf(`ä/語/\u{1f600}${at}`)));
    const good = [...nodes.byDigest.values()];
    const harm = fc.oneof(
      fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(7) }),
      fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), bit: fc.constant(0) }),
      fc.record({ kind: fc.constant('set' as const), at: fc.nat(), bit: fc.constantFrom(0, 0x7f, 0x80, 0xff) }),
    );
    const decode = (bytes: Uint8Array): boolean => {
      try {
        decodeNode(bytes);
        return true;
      } catch (error) {
        expect(error).toEqual(invalid);
        return false;
      }
    };
    let refused = 0;
    fc.assert(
      fc.property(fc.nat(), fc.array(harm, { minLength: 1, maxLength: 3 }), (which, harms) => {
        let bytes = Buffer.from(good[which % good.length] as Uint8Array);
        for (const { kind, at, bit } of harms) {
          // near the front half of the time: most of a node is digests, of which any bytes are good
          const place = at % 2 === 0 ? at % bytes.length : bytes.length - 1 - (at % Math.min(bytes.length, 1500));
          if (kind === 'cut') bytes = bytes.subarray(0, place + 1);
          else bytes[place] = kind === 'flip' ? (bytes[place] ?? 0) ^ (1 << bit) : bit;
        }
        if (!decode(bytes)) refused += 1;
      }),
      { numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(500);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(1, 2), fc.nat(3), fc.nat(5), (bytes, kind, level, count) => {
        decode(bytes);
        decode(Buffer.concat([Buffer.from('PLTREE1\n'), Buffer.of(kind, level, count, 0), Buffer.alloc(32 * count), bytes]));
      }),
      { numRuns: 3000 },
    );
  });

  test('there is one way to write a node: what decodes is written so again', () => {
    const texts = fc.array(fc.uint8Array({ maxLength: 6 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(texts, fc.array(fc.nat(3), { minLength: 3, maxLength: 3 }), (rests, shared) => {
        const keys = Buffer.concat(rests.map((rest, at) => Buffer.concat([Buffer.of(shared[at] ?? 0, rest.length), rest])));
        const n = rests.length;
        const bytes = Buffer.concat([Buffer.from('PLTREE1\n'), Buffer.of(1, 0, n, 0), Buffer.alloc(32 * n), Buffer.alloc(2 * n), keys]);
        try {
          const node = decodeNode(bytes);
          if (node.kind !== 'files') throw new Error('it is of files');
          const writer = new NodeWriter('files', 0);
          for (const { path, digest } of node.entries) {
            writer.add(digest, 0, 0);
            writer.text(path);
          }
          expect(writer.finish()).toEqual(bytes);
        } catch (error) {
          expect(error).toEqual(invalid);
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('each rule of the format is held', () => {
    const good = nodeOf('files', 0, [
      ['one', 0, 5, 'a'],
      ['two', 0, 5, 'b'],
    ]);
    const changed = (at: number, ...bytes: number[]): Buffer => {
      const copy = Buffer.from(good);
      copy.set(bytes, at < 0 ? copy.length + at : at);
      return copy;
    };
    expect(() => decodeNode(good)).not.toThrow();
    for (const [bad, why] of [
      [Buffer.alloc(0), 'does not begin'],
      [changed(6, 0x32), 'does not begin'],
      [changed(8, 3), 'its kind is 3'],
      [changed(9, 32), 'its level is 32'],
      [changed(10, 255, 255), 'cut off'],
      [Buffer.concat([good, Buffer.of(0)]), 'behind it'],
      [good.subarray(0, -1), 'cut off'],
      [changed(12 + 64, 2), 'executable nor not'],
      [changed(-1, 0x61), 'shares less than it could'],
      [changed(-1, 0x2f), 'do not ascend'],
      [changed(-1, 0xff), 'not UTF-8'],
      [changed(-1, 0x5c), 'do not ascend'],
      [changed(-3, 1, 0, 0).subarray(0, -1), 'do not ascend'],
      [changed(-3, 2), 'shares more'],
      [Buffer.concat([changed(12 + 66, 0x85).subarray(0, 12 + 67), Buffer.of(0), good.subarray(12 + 67)]), 'not as short'],
      [Buffer.concat([good.subarray(0, 12 + 66), Buffer.alloc(9, 0xff), good.subarray(12 + 67)]), 'too large'],
      [Buffer.concat([good, Buffer.alloc(70_000)]), '70'],
      [nodeOf('files', 1, []), 'holds nothing'],
      [nodeOf('files', 1, [['x', 0, 5, 'a']]), 'holds nothing'],
      [nodeOf('files', 0, [['x', 0, 5, '../a']]), 'is no path'],
      [nodeOf('files', 0, [['x', 0, 5, 'a/.git/b']]), 'is no path'],
      [nodeOf('rows', 0, [['x', 1, 0]]), 'no bytes'],
      [nodeOf('rows', 0, [['x', 1, 1, 'b', 'a']]), 'before it begins'],
      [nodeOf('rows', 0, [['x', 1, 1, 'a', 'b'.repeat(33)]]), 'too long'],
    ] as const) {
      expect(() => decodeNode(bad), why).toThrow(invalid);
      expect(() => decodeNode(bad)).toThrow(new RegExp(why));
    }
  });

  test('a node of the other kind is no node of this', async () => {
    const nodes = new Nodes();
    const [files, rows] = [nodes.files([fileOf('a')]), nodes.rows([chunkOf(1)])];
    await expect(listOf(walkFiles(nodes.read, rows.root))).rejects.toEqual(invalid);
    await expect(listOf(walkChunks(nodes.read, files.root))).rejects.toEqual(invalid);
  });

  test('a child is what the node above says of it, or is refused', async () => {
    const nodes = new Nodes();
    nodes.keep(nodeOf('files', 0, [['one', 0, 5, 'b'], ['two', 0, 5, 'c']])); // prettier-ignore
    const leaf = [...nodes.byDigest.keys()][0] as string;
    const parent = (level: number, ...children: readonly (readonly [number, number, string])[]): Buffer => {
      const writer = new NodeWriter('files', level);
      for (const [count, bytes, path] of children) {
        writer.add(leaf as 'sha256:', count, bytes);
        writer.text(path);
      }
      return writer.finish();
    };
    const walk = (node: Buffer): Promise<unknown> => listOf(walkFiles(nodes.read, nodes.keep(node)));
    await expect(walk(parent(1, [2, 10, 'c']))).resolves.toHaveLength(2);
    await expect(walk(parent(1, [3, 10, 'c']))).rejects.toEqual(invalid);
    await expect(walk(parent(1, [2, 11, 'c']))).rejects.toEqual(invalid);
    await expect(walk(parent(1, [2, 10, 'd']))).rejects.toEqual(invalid);
    await expect(walk(parent(2, [2, 10, 'c']))).rejects.toEqual(invalid);
    // the same leaf twice: its paths come again
    await expect(walk(parent(1, [2, 10, 'c'], [2, 10, 'd']))).rejects.toEqual(invalid);
    const rows = nodes.keep(nodeOf('rows', 0, [['x', 1, 7, 'a', 'b']]));
    for (const [count, bytes, ...keys] of [
      [1, 7, 'a', 'b'],
      [2, 7, 'a', 'b'],
      [1, 8, 'a', 'b'],
      [1, 7, 'a', 'c'],
      [1, 7],
    ] as const) {
      // prettier-ignore
      const writer = new NodeWriter('rows', 1);
      writer.add(rows, count, bytes);
      writer.flag(keys.length > 0 ? 1 : 0);
      for (const key of keys) writer.text(key);
      const walked = listOf(walkChunks(nodes.read, nodes.keep(writer.finish())));
      if (count === 1 && bytes === 7 && keys[1] === 'b') await expect(walked).resolves.toHaveLength(1);
      else await expect(walked).rejects.toEqual(invalid);
    }
  });

  test('an error of a node that was read ahead of its turn comes in its turn, or not at all', async () => {
    const nodes = new Nodes();
    const files = manyFiles(3000);
    const { root } = nodes.files(files);
    const [last] = [...nodes.byDigest.keys()].slice(-2);
    nodes.byDigest.delete(last as 'sha256:');
    const walk = walkFiles(nodes.read, root);
    for (let at = 0; at < 2000; at += 1) expect((await walk.next()).done).toBe(false);
    await walk.return(undefined);
    await expect(listOf(walkFiles(nodes.read, root))).rejects.toThrow('no node');
    await expect(listOf(diffFileTrees(nodes.read, null, root))).rejects.toThrow('no node');
  });
});
