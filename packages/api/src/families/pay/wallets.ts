import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount } from '../../resources/amount.js';
import { timestamp } from '../../resources/values.js';

const WALLET = 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b';

const wallet = z.object({
  id: z.string(),
  network: z.string(),
  asset: z.string(),
  /** What is paid to it on the chain can be spent. */
  address: z.string(),
  created_at: timestamp,
});
const example = {
  id: WALLET,
  network: 'eip155:84532',
  asset: 'USDC',
  address: '0x1234...',
  created_at: '2026-05-08T13:00:00Z',
};

/** POST /v1/wallets */
export const create = Endpoint.from({
  summary: 'Makes the wallet of the key on a network; again gives the same wallet.',
  method: 'POST',
  path: '/v1/wallets',
  auth: anyOf('apiKey'),
  tool: { destructive: false },
  body: z.object({
    /** CAIP-2 id or name of the network; the platform's default when absent. */
    network: z
      .string({ error: 'must be a network such as eip155:84532' })
      .regex(/^[a-z0-9:-]{1,64}$/, 'must be a network such as eip155:84532')
      .optional(),
  }),
  response: wallet,
  status: 201,
  errors: ['settlement_not_configured'],
  example: { body: { network: 'eip155:84532' }, response: example },
});

/** GET /v1/wallets */
export const list = Endpoint.from({
  summary: 'Lists the wallets of the key with what they hold on their chains.',
  method: 'GET',
  path: '/v1/wallets',
  auth: anyOf('apiKey'),
  tool: {},
  response: z.object({
    wallets: z.array(
      wallet.extend({
        /** Null while the chain cannot be asked. */
        balance: decimalAmount.nullable(),
        /** Reserved for payments under way. */
        held: decimalAmount,
      }),
    ),
  }),
  status: 200,
  example: { response: { wallets: [{ ...example, balance: '20.00', held: '0.00' }] } },
});
