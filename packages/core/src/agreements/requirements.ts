import { AgentPayError } from '@agentpay/primitives';
import type { Amount, PaymentNetwork } from '@agentpay/primitives';
import type { Address, TokenPermit, x402v2 } from '@agentpay/protocol';
import type { Core } from '../Core.js';
import { feeOn } from '../fees.js';
import { chainOf, ofHolder, open as openCustody } from '../custody/index.js';
import { find as findService } from '../marketplace/index.js';
import { SIGNED_SECONDS } from './DirectPurchase.js';
import type { FeeWallet } from './directPorts.js';

/** What a direct purchase of some amount takes. */
export interface DirectRequirements {
  readonly network: PaymentNetwork;
  readonly amount: Amount;
  readonly fee: Amount;
  /** Collects the fee: the spender of its permit. */
  readonly feeWallet: FeeWallet;
  /** What the buyer pays the seller, where a service is named. */
  readonly offer: x402v2.PaymentRequirements | undefined;
  /** What the buyer signs for the fee, where their address is named. */
  readonly permit: TokenPermit | undefined;
}

/**
 * What a direct purchase takes.
 * @throws AgentPayError `settlement_not_configured`, `service_not_found`, `service_not_active`, `currency_mismatch` (the service is not
 * priced in USD), `unavailable` when the chain cannot be asked
 */
export async function requirements(
  core: Core,
  asked: {
    readonly amount: Amount;
    readonly serviceId?: string | undefined;
    readonly buyerAddress?: string | undefined;
  },
): Promise<DirectRequirements> {
  const { amount, serviceId, buyerAddress: owner } = asked;
  const feeWallet = feeWalletOf(core);
  const { network } = chainOf(core, feeWallet.network);
  const fee = feeOn(amount, core.settings.fees.direct);
  const offer = serviceId === undefined ? undefined : await offerOf(core, { serviceId, network, amount });
  const permit =
    owner === undefined
      ? undefined
      : await reachable(() => feeWallet.permitFor({ owner: owner as Address, amount: fee }));
  return { network, amount, fee, feeWallet, offer, permit };
}

/** @throws AgentPayError `settlement_not_configured` */
export function feeWalletOf(core: Core): FeeWallet {
  const { feeWallet, facilitator } = core.ports;
  if (feeWallet && facilitator) return feeWallet;
  throw new AgentPayError('settlement_not_configured', 'Direct payment is not configured.', {
    param: 'rail',
  });
}

async function offerOf(
  core: Core,
  { serviceId, network, amount }: { serviceId: string; network: PaymentNetwork; amount: Amount },
): Promise<x402v2.PaymentRequirements> {
  const service = await findService(core.db, { serviceId });
  if (service.status !== 'active')
    throw new AgentPayError('service_not_active', `The service is ${service.status}.`);
  if (service.currency !== 'USD')
    throw new AgentPayError('currency_mismatch', 'Only services priced in USD are paid directly.');
  const { providerId: ownerId } = service;
  const wallets = await ofHolder(core.db, { holder: ownerId });
  const seller =
    wallets.find((wallet) => wallet.network === network.id) ??
    (await core.db.tx((tx) => openCustody(core, tx, { ownerId, holder: ownerId, network: network.id })));
  return {
    scheme: 'exact',
    network: network.id,
    amount: amount.toString(),
    asset: network.asset.address,
    payTo: seller.address,
    maxTimeoutSeconds: SIGNED_SECONDS,
    extra: { ...network.asset.eip712 },
  };
}

/**
 * What chain or facilitator are asked while a caller waits; one that refuses a read is asked once more.
 * @throws AgentPayError `unavailable` when it cannot be asked
 */
export async function reachable<T>(ask: () => Promise<T>): Promise<T> {
  return ask()
    .catch(ask)
    .catch((cause: unknown) => {
      if (cause instanceof AgentPayError && cause.status < 500) throw cause;
      throw new AgentPayError('unavailable', 'The chain cannot be asked now.', { cause, retryAfter: 2 });
    });
}
