import { ledger, type payouts } from '@agentpay/core';

/** Ways out for play money: the first attempt is under way, the second one has arrived. */
export function sandboxConnectors(): payouts.PayoutPorts['payouts'] {
  return { bank: connector(2), crypto: connector(0), stripe: connector(1) };
}

function connector(days: number): payouts.PayoutConnector {
  return {
    account: ledger.FAUCET,
    days,
    accepts: () => undefined,
    submit: async ({ id, attempts }) => ({
      status: attempts > 1 ? 'completed' : 'processing',
      reference: `sandbox_${id}`,
    }),
  };
}
