import { ledger, type gateways } from '@agentpay/core';
import { balanceCall, type Chain } from '@agentpay/evm';
import { baseSepolia, type Amount, type Network } from '@agentpay/primitives';
import { httpFacilitator, type Address, type Facilitator, type FacilitatorRequest } from '@agentpay/protocol';
import { privateKeyToAddress } from 'viem/accounts';

/** Where payments on a chain go, and by whom they are settled. */
export interface ChainTill {
  readonly payTo: Address;
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

/** What an account has of a token, in base units; undefined when its chain cannot be asked. */
export async function balanceOn(
  chain: Chain | undefined,
  { token, account }: { readonly token: Address; readonly account: Address },
): Promise<Amount | undefined> {
  const [result] = (await chain?.read([balanceCall(token, account)]).catch(() => [])) ?? [];
  return result?.success && result.data !== '0x' ? BigInt(result.data) : undefined;
}

/** The till as the books have it. @param chain where it is looked at; undefined: nowhere */
export function treasuryAccount(
  { payTo, network: { name, usdc } }: Pick<ChainTill, 'payTo' | 'network'>,
  chain: Chain | undefined,
): ledger.TreasuryAccount {
  return {
    account: ledger.custody(name, 'USDC'),
    asset: 'USDC',
    balance: () => balanceOn(chain, { token: usdc.address, account: payTo }),
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
