import type { agreements, CorePorts, custody, Principal } from '@agentpay/core';
import { baseSepolia, usdcOn } from '@agentpay/primitives';
import { reasonCode, type Facilitator } from '@agentpay/protocol';
import { ADMIN_KEY, PEPPER, START_MS } from './market.js';
import { paperEscrow, type PaperEscrow } from './paperEscrow.js';
import { paperFees, type PaperFees } from './paperFees.js';

/** What a process is killed at. */
export const crashKinds = [
  'activation',
  'settlement',
  'usage',
  'purchase',
  'purchase that is refused',
] as const;
export type CrashKind = (typeof crashKinds)[number];

export const crashSettings = {
  identity: { pepper: PEPPER, adminKeys: [ADMIN_KEY] },
  agreements: { proposalMs: 3_600_000 },
};

export const UNITS = 2n;
export const useOf = (principal: Principal, agreementId: string) => ({
  principal,
  agreementId,
  units: UNITS,
  eventId: 'calls',
});

/** What agreements move money by, without a chain, counted in one process. */
export interface PaperWorld {
  readonly escrow: PaperEscrow;
  readonly fees: PaperFees;
  readonly facilitator: PaperFacilitator;
  readonly chain: custody.PaymentChain;
}

interface PaperFacilitator extends Facilitator {
  /** Payments by their nonce. */
  readonly paid: Map<string, bigint>;
  /** Payees whose payments it refuses for good. */
  readonly refused: Set<string>;
}

const HASH = `0x${'cd'.repeat(32)}` as const;

export function paperWorld(now: () => number): PaperWorld {
  const [paid, refused] = [new Map<string, bigint>(), new Set<string>()];
  const network = baseSepolia.id;
  const facilitator: PaperFacilitator = {
    paid,
    refused,
    supported: () => Promise.reject(new Error('Nobody asks.')),
    verify: async () => ({ isValid: true }),
    async settle({ paymentPayload }) {
      const { nonce, value, from } = paymentPayload.payload['authorization'] as Record<string, string>;
      const errorReason = reasonCode('insufficientBalance', 2);
      if (refused.has(String(from).toLowerCase()))
        return { success: false, errorReason, transaction: '', network };
      paid.set(
        String(nonce),
        (paid.get(String(nonce)) ?? 0n) + (paid.has(String(nonce)) ? 0n : BigInt(value as string)),
      );
      return { success: true, transaction: HASH, network };
    },
  };
  const chain: custody.PaymentChain = {
    network: usdcOn(baseSepolia),
    balanceOf: async () => 10n ** 12n,
    fateOf: async ({ nonce }) =>
      paid.has(nonce)
        ? { use: 'payment', transaction: HASH }
        : { use: 'unused', at: BigInt(Math.floor(now() / 1000)) },
  };
  return { escrow: paperEscrow(() => Math.floor(now() / 1000)), fees: paperFees(), facilitator, chain };
}

export type PortNames = 'escrow' | 'fees' | 'facilitator' | 'chain';
type Call = (...args: unknown[]) => Promise<unknown>;

/** The ports of a core for a world in another process. @param at gives the call of a method, which may change something */
export function crashPorts(at: (port: PortNames, method: string, changes: boolean) => Call) {
  const now = () => START_MS / 1000;
  const read = (port: PortNames, method: string) => at(port, method, false) as never;
  const change = (port: PortNames, method: string) => at(port, method, true) as never;
  const escrow: agreements.AgreementEscrow = {
    ...paperEscrow(now),
    look: read('escrow', 'look'),
    lock: change('escrow', 'lock'),
    release: change('escrow', 'release'),
  };
  const feeWallet: agreements.FeeWallet = {
    ...paperFees(),
    permitFor: read('fees', 'permitFor'),
    signedPermit: read('fees', 'signedPermit'),
    collect: change('fees', 'collect'),
    giveBack: change('fees', 'giveBack'),
  };
  const facilitator = {
    verify: read('facilitator', 'verify'),
    settle: change('facilitator', 'settle'),
  } as unknown as Facilitator;
  const chain: custody.PaymentChain = {
    network: usdcOn(baseSepolia),
    balanceOf: read('chain', 'balanceOf'),
    fateOf: read('chain', 'fateOf'),
  };
  const chains: CorePorts['chains'] = new Map([[baseSepolia.id as string, chain]]);
  return { escrow, feeWallet, facilitator, chains };
}
