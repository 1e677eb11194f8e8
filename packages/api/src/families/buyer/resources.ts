import * as z from 'zod';
import { decimalAmount } from '../../resources/amount.js';
import { id, timestamp } from '../../resources/values.js';

export const AGENT = 'agent_01kb3x9v7f5m2q8r4t6w0y1z3a';
export const RULE = 'rule_01kb3x9v7f5m2q8r4t6w0y1z3d';
export const KEY = 'key_01kb3x9v7f5m2q8r4t6w0y1z3c';
export const WEBHOOK = 'wh_01kb3x9v7f5m2q8r4t6w0y1z3g';
export const APPROVAL = 'apr_01kb3x9v7f5m2q8r4t6w0y1z3p';
export const SELLER = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';

export const ofAgent = z.object({ id: id('agent') });

/** A limit as decimal text; "0": none. */
export const limit = z
  .codec(z.unknown(), z.bigint(), {
    decode: (wire, context) => {
      const read = decimalAmount.safeDecode(wire as never);
      if (read.success) return read.data;
      context.issues.push(...(read.error.issues as never[]));
      return z.NEVER;
    },
    encode: (units) => (units === 0n ? '0' : z.encode(decimalAmount, units)),
  })
  .meta({ wire: { type: 'string', description: 'Decimal number of units of the asset; "0": no limit.' } });

export const limits = z.object({ perTransaction: limit, daily: limit, monthly: limit });

export const address = z
  .string({ error: 'must be an address' })
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address, 0x and 40 hexadecimal digits')
  .meta({ pattern: '^0x[0-9a-fA-F]{40}$' });

export const agent = z.object({
  id: z.string(),
  name: z.string(),
  /** Where its money is; null where no network is configured. */
  address: z.string().nullable(),
  /** CAIP-2 id. */
  network: z.string().nullable(),
  archived: z.boolean(),
  createdAt: timestamp,
});

export const agentExample = {
  id: AGENT,
  name: 'Researcher',
  address: '0x857b06519E91e3A54538791bDbb0E22373e36b66',
  network: 'eip155:84532',
  archived: false,
  createdAt: '2026-05-08T12:00:00Z',
};
