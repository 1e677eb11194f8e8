import type { Amount } from '@agentpay/primitives';
import { table } from '../table.js';

/** Money of a payer that a gateway may take for what it serves, up to an amount and until a time. */
export interface BillingAuthorization {
  /** `auth_...` */
  readonly id: string;
  /** Whose wallet it is held in. */
  readonly payerId: string;
  readonly walletId: string;
  /** The only gateway that completes it. */
  readonly gatewayId: string;
  readonly holdId: string;
  readonly amount: Amount;
  readonly memo: string;
  readonly status: AuthorizationStatus;
  /** Taken of the amount. */
  readonly used: Amount | null;
  /** What was served, as the gateway counts it: `{ tokens: 1234 }`. */
  readonly usage: Readonly<Record<string, number>> | null;
  readonly receiptId: string | null;
  readonly expiresAt: Date;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
}

const states = {
  authorized: { complete: 'settled', void: 'voided', expire: 'expired' },
  settled: {},
  voided: {},
  expired: {},
} as const;

export type AuthorizationStatus = keyof typeof states;
export type AuthorizationStep = 'complete' | 'void' | 'expire';

/** The state that a step leads to; undefined when it has no place there. */
export function authorizationAfter(
  status: AuthorizationStatus,
  step: AuthorizationStep,
): AuthorizationStatus | undefined {
  return (states[status] as Partial<Record<AuthorizationStep, AuthorizationStatus>>)[step];
}

export const authorizations = table<BillingAuthorization>('authorizations', {
  id: 'text',
  payerId: 'text',
  walletId: 'text',
  gatewayId: 'text',
  holdId: 'text',
  amount: 'bigint',
  memo: 'text',
  status: 'text',
  used: 'bigint',
  usage: 'jsonb',
  receiptId: 'text',
  expiresAt: 'timestamptz',
  createdAt: 'timestamptz',
  endedAt: 'timestamptz',
});
