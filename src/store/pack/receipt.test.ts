import { expect, test } from 'vitest';
import { digestOf } from '../../base/digest.ts';
import { maxReceiptBytes, parseReceipt, receiptText, type Receipt } from './receipt.ts';

const root = digestOf('root');
const [a, b] = [digestOf('a'), digestOf('b')].toSorted() as [typeof root, typeof root];
const receipt: Receipt = {
  plumbline: 'receipt/1',
  root,
  objects: 3,
  bytes: 2 ** 40,
  packs: [
    { digest: a, bytes: 100, tail: 60 },
    { digest: b, bytes: 2 ** 33, tail: 8 },
  ],
  repositories: ['github.com/acme/intents', 'github.com/acme/other'],
};

function parse(text: string): Receipt {
  return parseReceipt(Buffer.from(text), root, 'the remote');
}

test('a receipt comes back as it was, whatever the order it was made in', () => {
  expect(parse(receiptText(receipt))).toEqual(receipt);
  const mixed = {
    ...receipt,
    packs: [...receipt.packs.toReversed(), ...receipt.packs],
    repositories: [...receipt.repositories.toReversed(), 'github.com/acme/other'],
  };
  expect(receiptText(mixed)).toBe(receiptText(receipt));
});

test.each<[string, Record<string, unknown>]>([
  ['another version', { root: digestOf('other') }],
  ['another form', { plumbline: 'receipt/2' }],
  ['a field too many', { more: 1 }],
  ['a field too few', { objects: undefined }],
  ['a negative count', { objects: -1 }],
  ['a count that is not whole', { bytes: 1.5 }],
  ['packs that are none', { packs: {} }],
  ['a pack without a digest', { packs: [{ digest: 'x', bytes: 100, tail: 60 }] }],
  ['a tail behind the footer', { packs: [{ digest: a, bytes: 100, tail: 61 }] }],
  ['a tail before the first byte', { packs: [{ digest: a, bytes: 100, tail: 7 }] }],
  ['packs out of order', { packs: receipt.packs.toReversed() }],
  ['a pack twice', { packs: [receipt.packs[0], receipt.packs[0]] }],
  ['a pack with another field', { packs: [{ digest: a, bytes: 100, tail: 60, url: 'x' }] }],
  ['a repository that is no text', { repositories: [1] }],
  ['a repository of half a character', { repositories: ['\ud800'] }],
  ['repositories out of order', { repositories: ['b', 'a'] }],
])('%s is refused', (_, change) => {
  expect(() => parse(JSON.stringify({ ...receipt, ...change }))).toThrow(expect.objectContaining({ code: 'RECEIPT_INVALID' }) as Error);
});

test('what is no JSON, no UTF-8, cut anywhere, or too long is refused', () => {
  const text = receiptText(receipt);
  for (let length = 0; length < text.length; length += 1) {
    expect(() => parse(text.slice(0, length))).toThrow(expect.objectContaining({ code: 'RECEIPT_INVALID' }) as Error);
  }
  for (const bytes of [
    Buffer.from([0xff]),
    Buffer.from('null'),
    Buffer.from('[]'),
    Buffer.from(`\ufeff${text}`),
    Buffer.alloc(maxReceiptBytes + 1, ' '),
  ]) {
    expect(() => parseReceipt(bytes, root, 'the remote')).toThrow(expect.objectContaining({ code: 'RECEIPT_INVALID' }) as Error);
  }
});
