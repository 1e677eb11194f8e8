import { ledger, type payouts } from '@agentpay/core';

/** What a sandbox pays to these arrives, and comes back a minute later. */
const COMES_BACK: readonly string[] = ['000111111113', 'acct_returned'];

/** Ways out for play money: the first attempt is under way, the second one has arrived. */
export function sandboxConnectors(): payouts.PayoutPorts['payouts'] {
  return { bank: connector(2, returns), crypto: connector(0), stripe: connector(1, returns) };
}

const returns: payouts.PayoutReturns = {
  days: 1,
  ask: async (_payout, destination) =>
    comesBack(destination) ? { status: 'returned', reason: 'account_closed' } : { status: 'arrived' },
};

function comesBack(destination: payouts.Destination): boolean {
  if (destination.type === 'bank') return COMES_BACK.includes(destination.accountNumber);
  return destination.type === 'stripe' && COMES_BACK.includes(destination.accountId);
}

function connector(days: number, back?: payouts.PayoutReturns): payouts.PayoutConnector {
  return {
    account: ledger.FAUCET,
    days,
    accepts: () => undefined,
    submit: async ({ id, attempts }) => ({
      status: attempts > 1 ? 'completed' : 'processing',
      reference: `sandbox_${id}`,
    }),
    returns: back,
  };
}
