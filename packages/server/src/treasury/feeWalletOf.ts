import type { CorePorts } from '@agentpay/core';
import { viemChain } from '@agentpay/evm';
import { faultOf, type Logger } from '@agentpay/http';
import { findNetwork, usdcOn, type Clock, type Db } from '@agentpay/primitives';
import { httpFacilitator } from '@agentpay/protocol';
import { paymentChain } from '../chains/paymentChain.js';
import type { ServerConfig } from '../config.js';
import { createFeeWallet } from './FeeWallet.js';

/** Collects fees in the USDC of the default network; undefined where it has none, or no gas wallet or facilitator is configured. */
export function feeWalletOf(
  { gasWalletKey: privateKey, facilitatorUrl, networks: [first], confirmations }: ServerConfig,
  { db, clock, log }: { db: Db; clock: Clock; log: Logger },
): CorePorts['feeWallet'] {
  const network = first && findNetwork(first.network.id);
  if (!privateKey || !facilitatorUrl || !network) return undefined;
  const chain = viemChain({ rpcUrl: first.rpcUrl });
  return createFeeWallet({
    privateKey,
    network,
    chain,
    proofs: paymentChain({ network: usdcOn(network), chain, confirmations }),
    facilitator: httpFacilitator({ url: facilitatorUrl, verifyTimeoutMs: 5_000, settleTimeoutMs: 18_000 }),
    db,
    clock,
    confirmations,
    onError: (error) => log.warn({ fault: faultOf(error) }, 'the gas wallet could not broadcast'),
  });
}
