import type { agreements } from '@agentpay/core';
import { escrowTypedData, toPaymentInfo, type Hex } from '@agentpay/protocol';
import { baseSepolia } from '@agentpay/primitives';

type Offer = agreements.AgreementOffer;
type Step = agreements.EscrowStep;

/** What one hold is in an escrow of paper. */
export interface PaperHold {
  readonly cap: bigint;
  capturable: bigint;
  captured: bigint;
  returned: bigint;
}

/** An escrow without a chain, whose money can be counted, and whose responses can be scripted. */
export interface PaperEscrow extends agreements.AgreementEscrow {
  readonly holds: Map<string, PaperHold>;
  /** Seconds of its last block. */
  now: () => number;
  /** What the next calls respond with; `lost`: it happens, and nobody hears of it. */
  script: (Step | 'lost' | 'broken')[];
}

const ADDRESS = (digit: string): Hex => `0x${digit.repeat(40)}`;

/** What the buyer of an intent signs with. */
export const signed = ({ message }: agreements.TypedData): Hex => `0x${String(message['nonce']).slice(2)}`;

export function paperEscrow(now: () => number): PaperEscrow {
  const holds = new Map<string, PaperHold>();
  const domain = { ...baseSepolia.usdc.eip712, chainId: 84532, verifyingContract: baseSepolia.usdc.address };
  const dataOf = ({ paymentInfo }: Offer) => escrowTypedData(domain, toPaymentInfo(paymentInfo));
  const keyOf = (offer: Offer) => dataOf(offer).message.nonce;
  const done = (captured = 0n): Step => ({ status: 'done', transaction: `0x${'ab'.repeat(32)}`, captured });

  async function scripted(effect: () => Step): Promise<Step> {
    const next = escrow.script.shift();
    if (next === 'broken') throw new Error('connection reset');
    if (next === 'lost') {
      effect();
      throw new Error('timed out');
    }
    return next ?? effect();
  }

  function release(hold: PaperHold | undefined, amount: bigint): Step {
    if (!hold) return { status: 'failed', reason: 'not_collected' };
    if (hold.capturable > 0n) {
      hold.captured += amount;
      hold.returned += hold.capturable - amount;
      hold.capturable = 0n;
    }
    return done(hold.captured);
  }

  const escrow: PaperEscrow = {
    holds,
    now,
    script: [],
    network: baseSepolia.id,
    asset: 'USDC@base-sepolia',
    currencies: ['USD'],
    token: baseSepolia.usdc.address,
    operator: ADDRESS('1'),
    authorizer: ADDRESS('2'),
    feeReceiver: ADDRESS('3'),
    typedData: (offer) => ({ ...dataOf(offer), domain: { ...domain }, message: { nonce: keyOf(offer) } }),
    check: async (offer, signature) =>
      signature === keyOf(offer) ? undefined : { why: 'signature', message: 'Somebody else signed.' },
    lock: (offer) =>
      scripted(() => {
        const cap = BigInt(offer.paymentInfo.maxAmount);
        if (!holds.has(keyOf(offer)))
          holds.set(keyOf(offer), { cap, capturable: cap, captured: 0n, returned: 0n });
        return done();
      }),
    release: (offer, { amount }) => scripted(() => release(holds.get(keyOf(offer)), amount)),
    async look(offer) {
      const { capturable = 0n, captured = 0n } = holds.get(keyOf(offer)) ?? {};
      return {
        collected: holds.has(keyOf(offer)),
        capturable,
        captured,
        transaction: null,
        at: escrow.now(),
      };
    },
  };
  return escrow;
}
