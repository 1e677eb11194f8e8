import { ledger, type payouts } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import type { Address } from '@agentpay/protocol';
import type { Treasury } from './Treasury.js';

/** Names under which a payout may mean this network; in a sandbox all of them do. */
const NAMES = ['base', 'base-sepolia', 'ethereum'];

/** Payouts to an address: USDC of the treasury, sent through the facilitator. The wallet's money is exchanged, one for one. */
export function usdcPayouts(treasury: Treasury): payouts.PayoutConnector {
  return {
    account: ledger.custody(treasury.network.name, 'USDC'),
    days: 0,
    accepts(destination) {
      if (destination.type === 'crypto' && NAMES.includes(destination.network)) return;
      throw new AgentPayError('invalid_request', `The networks are ${NAMES.join(', ')}.`, {
        param: 'destination.network',
      });
    },
    async submit({ id, amount, createdAt }, destination) {
      if (destination.type !== 'crypto') return { status: 'failed', reason: 'wrong_destination' };
      const to = destination.address as Address;
      const state = await treasury.send(
        await treasury.sign({ key: id, to, amount, since: createdAt.getTime() }),
      );
      return state.status === 'pending' ? { status: 'processing', reference: state.reference } : state;
    },
  };
}
