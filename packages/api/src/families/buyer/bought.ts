import * as z from 'zod';
import { timestamp } from '../../resources/values.js';
import { agentExample } from './resources.js';

/** What an agent has bought. */
export const bought = z.object({
  success: z.literal(true),
  /** JSON as it is, text as text, anything else as `{ base64, contentType }`. */
  sellerResponse: z.unknown(),
  payment: z.object({
    /** "x402" or "mpp". */
    protocol: z.string(),
    txHash: z.string().nullable(),
    /** In units of the asset. */
    amount: z.string(),
    explorer: z.string().nullable(),
    transactionId: z.string(),
  }),
  agent: z.object({ address: z.string() }),
});
const TX_HASH = `0x${'ab'.repeat(32)}`;
export const boughtExample = {
  success: true,
  sellerResponse: { sky: 'blue' },
  payment: {
    protocol: 'x402',
    txHash: TX_HASH,
    amount: '0.01',
    explorer: `https://sepolia.basescan.org/tx/${TX_HASH}`,
    transactionId: 'tx_01kb3x9v7f5m2q8r4t6w0y1z3e',
  },
  agent: { address: agentExample.address },
} as const;

/** What waits for the owner of the agent instead. */
export const waiting = z.object({
  success: z.literal(false),
  status: z.literal('pending_approval'),
  approval_id: z.string(),
  /** In units of the asset. */
  amount: z.string(),
  /** Until when it is decided. */
  expiresAt: timestamp,
});
