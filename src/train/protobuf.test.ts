import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lengthDelimitedFields, MessageWriter } from './protobuf.ts';

const fieldNumber = fc.integer({ min: 1, max: 2000 });

test('what is written is found again, numbers stepped over', () => {
  const part = fc.oneof(
    fc.record({ field: fieldNumber, bytes: fc.uint8Array({ maxLength: 300 }) }),
    fc.record({ field: fieldNumber, number: fc.maxSafeNat() }),
  );
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const writer = new MessageWriter();
      for (const one of parts)
        if ('number' in one) writer.integer(one.field, one.number);
        else writer.bytes(one.field, one.bytes);
      const found = [...lengthDelimitedFields(writer.finish())].map(({ field, bytes }) => ({ field, bytes: [...bytes] }));
      expect(found).toEqual(parts.flatMap((one) => ('number' in one ? [] : [{ field: one.field, bytes: [...one.bytes] }])));
    }),
  );
});

test('a message that is cut anywhere inside a field is refused, and so are random bytes, or they end', () => {
  const bytes = new MessageWriter().text(1, 'abc').integer(2, 300).text(14, 'x'.repeat(200)).finish();
  const ends = [5, 8, bytes.length];
  for (let cut = 1; cut < bytes.length; cut += 1) {
    if (ends.includes(cut)) continue;
    expect(() => [...lengthDelimitedFields(bytes.subarray(0, cut))], `cut at ${cut}`).toThrow(RangeError);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (random) => {
      try {
        for (const field of lengthDelimitedFields(random)) expect(field.bytes.length).toBeLessThanOrEqual(random.length);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
  );
});

test('a number below 0, or too great to be exact, is a mistake of ours', () => {
  expect(() => new MessageWriter().integer(1, -1)).toThrow('no varint');
  expect(() => new MessageWriter().integer(1, 2 ** 53)).toThrow('no varint');
});
