import { unixSeconds, type Amount, type Clock, type Network } from '@agentpay/primitives';
import {
  authorizationTypedData,
  bytesToHex,
  fromAuthorization,
  keccak256,
  type Address,
  type Authorization,
  type Facilitator,
  type FacilitatorRequest,
  type Hex,
} from '@agentpay/protocol';
import { privateKeyToAccount } from 'viem/accounts';

/** How a transfer stands. `unknown`: it may have happened; it is sent again as it is. */
export type TransferState =
  | { readonly status: 'completed'; readonly reference: string }
  | { readonly status: 'pending'; readonly reference: string }
  | { readonly status: 'failed'; readonly reason: string }
  | { readonly status: 'unknown' };

/** A transfer that is paid at most once, however often it is sent: its nonce is made of what it is for. */
export interface TreasuryTransfer {
  readonly signature: Hex;
  readonly authorization: ReturnType<typeof fromAuthorization>;
}

/** USDC of the platform on one chain, which leaves through a facilitator. */
export interface Treasury {
  readonly network: Network;
  readonly address: Address;
  /**
   * Signs a transfer (EIP-3009).
   * @param transfer.key what it is for: the same key gives the same nonce
   * @param transfer.since Unix ms; the transfer can be made for an hour from then on
   */
  sign(transfer: { key: string; to: Address; amount: Amount; since: number }): Promise<TreasuryTransfer>;
  send(transfer: TreasuryTransfer): Promise<TransferState>;
}

export interface TreasuryOptions {
  readonly privateKey: Hex;
  readonly network: Network;
  readonly facilitator: Facilitator;
  readonly clock: Clock;
}

const LIFE_SECONDS = 3_600n;
/** Blocks may be behind our clock. */
const GRACE_SECONDS = 120n;

export function createTreasury({ privateKey, network, facilitator, clock }: TreasuryOptions): Treasury {
  const account = privateKeyToAccount(privateKey);
  const domain = {
    ...network.usdc.eip712,
    chainId: network.chainId,
    verifyingContract: network.usdc.address,
  };
  return {
    network,
    address: account.address,
    async sign({ key, to, amount, since }) {
      const authorization: Authorization = {
        from: account.address,
        to,
        value: amount,
        validAfter: 0n,
        validBefore: BigInt(Math.floor(since / 1000)) + LIFE_SECONDS,
        nonce: bytesToHex(keccak256(`agentpay treasury ${key}`)),
      };
      const signature = await account.signTypedData(authorizationTypedData(domain, authorization));
      return { signature, authorization: fromAuthorization(authorization) };
    },
    async send(transfer) {
      try {
        const response = await facilitator.settle(requestOf(network, transfer));
        if (response.success) return { status: 'completed', reference: response.transaction };
        if (response.errorReason === 'settlement_pending')
          return { status: 'pending', reference: response.transaction };
        return isOver(transfer, clock)
          ? { status: 'failed', reason: 'not_sent_in_time' }
          : { status: 'unknown' };
      } catch {
        // The facilitator may have taken it.
        return { status: 'unknown' };
      }
    },
  };
}

/** Only time ends a transfer that was signed: until then a refusal may be a matter of the moment. */
function isOver({ authorization }: TreasuryTransfer, clock: Clock): boolean {
  return BigInt(unixSeconds(clock)) > BigInt(authorization.validBefore) + GRACE_SECONDS;
}

function requestOf(network: Network, { signature, authorization }: TreasuryTransfer): FacilitatorRequest {
  const accepted = {
    scheme: 'exact',
    network: network.id,
    amount: authorization.value,
    asset: network.usdc.address,
    payTo: authorization.to,
    maxTimeoutSeconds: Number(LIFE_SECONDS),
    extra: { ...network.usdc.eip712 },
  };
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted, payload: { signature, authorization } },
    paymentRequirements: accepted,
  };
}
