import { AgentPayError, type Clock } from '@agentpay/primitives';
import type { Address } from '@agentpay/protocol';
import type { PaymentRefusal } from '../../schemes/Scheme.js';
import type { SettlementStore } from '../SettlementStore.js';

/** An account whose payment failed on the chain is refused for so long. */
const REST_MS = 3_600_000;
/** Payments of one account under way at a time: what it can burn before its first failure is seen. */
const MOST_UNDER_WAY = 4;

/**
 * Payers with code of their own (ERC-1271, EIP-7702, ERC-6492). Their code runs when the money moves, on gas of ours, and may behave
 * otherwise than in the simulation; so what one of them can burn is bounded.
 */
export interface ContractPayers {
  /** Why no payment of the account is taken now; undefined when one is. */
  refusal(payer: Address): Promise<PaymentRefusal | undefined>;
  /**
   * Begins a payment of the account; gives what ends it.
   * @throws AgentPayError `facilitator_overloaded` when too many are under way
   */
  begin(payer: Address): Promise<() => void>;
}

export interface ContractPayersOptions {
  readonly store: Pick<SettlementStore, 'ofContractPayer'>;
  readonly clock: Clock;
  /** Whether they may pay at all. Default true. */
  readonly allowed?: boolean | undefined;
}

export function createContractPayers({
  store,
  clock,
  allowed = true,
}: ContractPayersOptions): ContractPayers {
  const underWay = new Map<string, number>();

  function end(payer: string): void {
    const left = (underWay.get(payer) ?? 1) - 1;
    if (left > 0) underWay.set(payer, left);
    else underWay.delete(payer);
  }

  function refuseMore(): never {
    const message = 'Too many payments of this account are under way; this one was not taken.';
    throw new AgentPayError('facilitator_overloaded', message, { retryAfter: 2 });
  }

  return {
    async refusal(payer) {
      if (!allowed)
        return { reason: 'contractPayerNotAllowed', message: 'Accounts with code may not pay here.' };
      const { failed } = await store.ofContractPayer(payer, new Date(clock.now() - REST_MS));
      if (!failed) return undefined;
      const message = 'A payment of this account failed on the chain; it may pay again in an hour.';
      return { reason: 'payerFailedRecently', message };
    },
    async begin(account) {
      const payer = account.toLowerCase();
      const here = underWay.get(payer) ?? 0;
      if (here >= MOST_UNDER_WAY) refuseMore();
      underWay.set(payer, here + 1);
      try {
        // One may have failed since the account was looked at; whoever asks again is told.
        const { open, failed } = await store.ofContractPayer(account, new Date(clock.now() - REST_MS));
        if (failed || open >= MOST_UNDER_WAY) refuseMore();
      } catch (error) {
        end(payer);
        throw error;
      }
      return () => end(payer);
    },
  };
}
