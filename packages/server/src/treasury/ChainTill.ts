import type { gateways } from '@agentpay/core';
import { baseSepolia, type Network } from '@agentpay/primitives';
import { httpFacilitator, type Facilitator, type FacilitatorRequest } from '@agentpay/protocol';
import { privateKeyToAddress } from 'viem/accounts';

/** Where payments on a chain go, and by whom they are settled. */
export interface ChainTill {
  readonly payTo: string;
  readonly network: Network;
  readonly facilitator: Facilitator;
  /** Settles a payment that was noted, once however often it is called. */
  readonly settle: (payment: unknown) => Promise<gateways.ChainOutcome>;
}

/** The platform's own address; undefined where no chain is configured. */
export function chainTill({
  treasuryKey,
  facilitatorUrl,
}: {
  readonly treasuryKey: `0x${string}` | undefined;
  readonly facilitatorUrl: string | undefined;
}): ChainTill | undefined {
  if (!treasuryKey || !facilitatorUrl) return undefined;
  const facilitator = httpFacilitator({ url: facilitatorUrl });
  return {
    payTo: privateKeyToAddress(treasuryKey),
    network: baseSepolia,
    facilitator,
    settle: async (payment) => outcomeOf(await facilitator.settle(payment as FacilitatorRequest)),
  };
}

/** What a facilitator's response says of the money. */
export function outcomeOf(settled: {
  success: boolean;
  errorReason?: string | undefined;
}): gateways.ChainOutcome {
  if (settled.success) return { status: 'settled' };
  if (settled.errorReason === 'settlement_pending') return { status: 'unknown' };
  return { status: 'failed', reason: settled.errorReason ?? 'refused' };
}
