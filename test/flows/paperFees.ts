import type { agreements } from '@agentpay/core';
import { baseSepolia, usdcOn } from '@agentpay/primitives';
import type { CorePorts } from '@agentpay/core';
import type { Hex } from '@agentpay/protocol';

/** A wallet for fees without a chain, whose fees can be counted. */
export interface PaperFees extends agreements.FeeWallet {
  /** Fees by what they are collected for, and what was given back of them. */
  readonly collected: Map<string, bigint>;
  readonly returned: Map<string, bigint>;
  /** What the next calls respond with; `lost`: it happens, and nobody hears of it. */
  script: (agreements.FeeState | 'lost')[];
}

const HASH: Hex = `0x${'fe'.repeat(32)}`;

/** What the owner of a permit for a fee signs with. */
export const signedFee = ({ message }: agreements.TypedData): Hex =>
  `0x${BigInt(message['nonce'] as string)
    .toString(16)
    .padStart(130, '0')}`;

/** A chain on which everybody has enough. */
export const paperChains: CorePorts['chains'] = new Map([
  [
    baseSepolia.id as string,
    { network: usdcOn(baseSepolia), balanceOf: async () => 10n ** 12n, fateOf: async () => undefined },
  ],
]);

export function paperFees(): PaperFees {
  const [collected, returned] = [new Map<string, bigint>(), new Map<string, bigint>()];
  let nonce = 1n;
  const act = async (effect: () => void): Promise<agreements.FeeState> => {
    const next = fees.script.shift();
    if (next !== undefined && next !== 'lost') return next;
    effect();
    if (next === 'lost') throw new Error('timed out');
    return { status: 'completed', reference: HASH };
  };
  const fees: PaperFees = {
    collected,
    returned,
    script: [],
    network: baseSepolia.id,
    address: `0x${'9'.repeat(40)}`,
    permitFor: async ({ owner, amount: value }) => ({
      owner,
      spender: fees.address,
      value,
      nonce,
      deadline: 4_000_000_000n,
    }),
    async signedPermit(fee) {
      const permit = await fees.permitFor(fee);
      return BigInt(fee.signature) === permit.nonce ? permit : undefined;
    },
    collect: ({ id, permit }) =>
      act(() => {
        if (collected.has(id)) return;
        collected.set(id, permit.value);
        nonce += 1n;
      }),
    giveBack: ({ id, amount }) => act(() => void returned.set(id, amount)),
    balance: async () => 0n,
  };
  return fees;
}
