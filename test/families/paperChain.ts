import type { agreements, Core, custody } from '@agentpay/core';
import { baseSepolia, systemRandom, usdcOn } from '@agentpay/primitives';
import { bytesToHex, type Facilitator } from '@agentpay/protocol';

const network = usdcOn(baseSepolia);

/** Test money of every address. */
const FUNDS = 1_000_000_000n;

/**
 * Puts a chain on paper under a core: every address has money, whatever is settled counts as settled, and time does not matter. For tests
 * of the API's shape; what moves on real chains is tested elsewhere.
 */
export function usePaperChain(core: Core): void {
  const settled = new Set<string>();
  const chain: custody.PaymentChain = {
    network,
    balanceOf: async () => FUNDS,
    fateOf: async ({ nonce }, hint) =>
      settled.has(nonce) && hint !== undefined ? { use: 'payment', transaction: hint } : undefined,
  };
  const facilitator: Pick<Facilitator, 'verify' | 'settle'> = {
    verify: async () => ({ isValid: true }),
    async settle({ paymentPayload }) {
      const { nonce } = paymentPayload.payload['authorization'] as { nonce: string };
      settled.add(nonce);
      return { success: true, transaction: bytesToHex(systemRandom.bytes(32)), network: network.id };
    },
  };
  const feeWallet = paperFees(core);
  Object.assign(core.ports, { chains: new Map([[network.id, chain]]), facilitator, feeWallet });
}

/** Takes any signature for a permit, and whatever is collected counts as collected. */
function paperFees({ clock }: Core): agreements.FeeWallet {
  const address = '0x976EA74026E726554dB657fA54763abd0C3a0aa9';
  const permitFor: agreements.FeeWallet['permitFor'] = async ({ owner, amount: value }) => {
    const deadline = BigInt(Math.floor(clock.now() / 1000) + 3_600);
    return { owner, spender: address, value, nonce: 0n, deadline };
  };
  const done = async () => ({ status: 'completed', reference: bytesToHex(systemRandom.bytes(32)) }) as const;
  return {
    network: network.id,
    address,
    permitFor,
    signedPermit: permitFor,
    collect: done,
    giveBack: done,
    balance: async () => undefined,
  };
}
