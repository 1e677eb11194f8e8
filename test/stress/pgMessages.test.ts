import fc from 'fast-check';
import { pgMessages } from './pgMessages.js';

const letter = fc.constantFrom('Q', 'P', 'B', 'E', 'S', 'Z');
const body = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));

function written(type: string, of: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(of.length + 4);
  return Buffer.concat([Buffer.from(type, 'latin1'), length, of]);
}

describe("messages of PostgreSQL's protocol", () => {
  it('are the same in whatever pieces they come', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(fc.record({ type: letter, body }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 }),
        (opening, drawn, sizes) => {
          const sent = drawn.map((one, n) => ({ ...one, type: opening && n === 0 ? '' : one.type }));
          const stream = Buffer.concat(sent.map((one) => written(one.type, one.body)));
          const read = pgMessages({ opening });
          const messages = [];
          for (let at = 0, n = 0; at < stream.length; n++) {
            const size = sizes[n % sizes.length] as number;
            messages.push(...read(stream.subarray(at, at + size)));
            at += size;
          }
          expect(messages.map(({ type, body: got }) => ({ type, body: got }))).toEqual(sent);
          expect(Buffer.concat(messages.map(({ whole }) => whole))).toEqual(stream);
        },
      ),
    );
  });
});
