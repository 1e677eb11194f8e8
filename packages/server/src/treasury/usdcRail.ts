import { ledger, type payments } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import type { Chain } from '@agentpay/evm';
import type { Address } from '@agentpay/protocol';
import { usdcStatement } from './usdcStatement.js';
import type { TreasuryTransfer, TransferState, Treasury } from './Treasury.js';

/**
 * Rail `base-usdc`: pays an address on chain from the treasury, for wallets of play money in a sandbox, whose money is exchanged one for
 * one.
 * @param chain where its transfers are looked up, to compare them with the books
 */
export function usdcRail(treasury: Treasury, chain?: Chain): payments.Rail {
  const send = async ({ proof }: payments.Payment) =>
    railStatus(await treasury.send(proof as unknown as TreasuryTransfer));
  return {
    currency: 'USD',
    account: ledger.custody(treasury.network.name, 'USDC'),
    accepts({ payeeExternal }) {
      if (payeeExternal !== null && isAddress(payeeExternal)) return;
      throw new AgentPayError('invalid_request', 'The rail base-usdc pays an address on the chain.', {
        param: 'toExternal',
      });
    },
    authorize: async ({ id, payeeExternal, amount, createdAt }) => ({
      ...(await treasury.sign({
        key: id,
        to: payeeExternal as Address,
        amount,
        since: createdAt.getTime(),
      })),
    }),
    submit: send,
    settle: send,
    fail: send,
    // The payee has the money: what goes back is sent anew.
    bringsBack: false,
    acceptsRefund({ toExternal }) {
      if (toExternal === null || isAddress(toExternal)) return;
      throw new AgentPayError('invalid_request', 'A refund by base-usdc goes to an address on the chain.', {
        param: 'toExternal',
      });
    },
    authorizeRefund: async (_payment, { id, toExternal, amount, createdAt }) => ({
      ...(await treasury.sign({ key: id, to: toExternal as Address, amount, since: createdAt.getTime() })),
    }),
    refund: async (_payment, { proof }) =>
      railStatus(await treasury.send(proof as unknown as TreasuryTransfer)),
    references: /^0x[0-9a-fA-F]{64}$/,
    async reconcile({ references }) {
      if (!chain) return {};
      const { address: account, network } = treasury;
      return usdcStatement(chain, { asset: network.usdc.address, account, references });
    },
  };
}

/** Whether the text is the address of an account. */
export function isAddress(text: string): boolean {
  return /^0x[0-9a-fA-F]{40}$/.test(text) && !/^0x0{40}$/.test(text);
}

function railStatus(state: TransferState): payments.RailStatus {
  return state.status === 'pending' ? { status: 'settling', reference: state.reference } : state;
}
