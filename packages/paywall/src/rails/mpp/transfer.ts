import { AgentPayError, sleep } from '@agentpay/primitives';
import {
  isTransferCall,
  isTransferLog,
  mpp,
  readSignedTransaction,
  sameHex,
  type Address,
  type Hex,
  type Eip1559Transaction,
  type Transfer,
} from '@agentpay/protocol';
import type { ChainNode, KnownTransaction } from './ChainNode.js';
import type { Receipt } from '../../paid/Claims.js';
import type { PaywallConfig } from '../../seller/PaywallConfig.js';
import { Refusal, type ProvenPayment, type SettleOutcome } from '../../paid/Payment.js';
import type { PaymentOption, Transfers } from '../../seller/PaymentOption.js';

/** A charge that is paid by the buyer's own transaction, with what the credential says of it. */
export interface TransferCharge {
  readonly config: PaywallConfig;
  readonly option: PaymentOption;
  readonly transfers: Transfers;
  readonly node: ChainNode;
  /** In base units of the option's token. */
  readonly amount: bigint;
  /** Who is said to pay, as a DID. */
  readonly source: string | undefined;
  /** End of the challenge, in ms since the epoch. */
  readonly expiresAtMs: number;
  readonly checkTime: () => void;
  readonly receipt: (transaction: Hex) => Receipt;
}

/** How long one attempt waits for the confirmations of a transaction, and between looks at it. */
const WAIT_MS = 10_000;
const PAUSE_MS = 200;
/** How far the time of blocks may be from ours. */
const SKEW_MS = 30_000;

/**
 * The payment by a signed transaction that the seller broadcasts, once the response is there.
 * @throws AgentPayError `payment_malformed`, Refusal when the transaction does not pay this charge
 */
export function transactionPayment(charge: TransferCharge, raw: Hex): ProvenPayment {
  const { config, option, node, expiresAtMs } = charge;
  const { clock } = config;
  const signed = readSignedTransaction(raw);
  if (signed.chainId !== option.network.chainId) throw mismatch('The transaction is for another chain.');
  if (!isTransferCall(signed, transferOf(charge)) || signed.value !== 0n)
    throw mismatch('The transaction is not the transfer due.');
  const watch = watching(charge, signed.hash);

  async function settlement(): Promise<SettleOutcome> {
    // An RPC node also refuses a transaction that it has already, so the chain is asked instead.
    await node.send(raw);
    const giveUpAt = clock.now() + WAIT_MS;
    for (;;) {
      const found = await watch.look();
      if (found.state !== 'unknown' || clock.now() >= giveUpAt) return found;
      await sleep(clock, PAUSE_MS);
    }
  }

  return {
    key: watch.key,
    // It comes by MPP only, with a challenge.
    isSecret: true,
    get payer() {
      return watch.payer();
    },
    expiresAtMs,
    deadlineMs: expiresAtMs - config.settleReserveMs,
    checkTime: charge.checkTime,
    async verify() {
      // Until it is broadcast only the buyer has it; afterwards anybody can read it from the chain.
      if (await node.find(signed.hash))
        throw new AgentPayError('payment_already_used', 'This transaction was broadcast before.');
      watch.paidBy(await checkedSender(node, signed));
      return {};
    },
    settle: () => certain(config, settlement()),
    release: async () => undefined,
  };
}

/** The payment by a transfer that was mined after the challenge was issued. */
export function hashPayment(charge: TransferCharge, hash: Hex): ProvenPayment {
  const { config, node, expiresAtMs } = charge;
  const lifeMs = config.maxTimeoutSeconds * 1000;
  const watch = watching(charge, hash);
  return {
    key: watch.key,
    // It comes by MPP only, with a challenge.
    isSecret: true,
    get payer() {
      return watch.payer();
    },
    // The claim must outlive every challenge that this transfer could be presented for.
    expiresAtMs: config.clock.now() + lifeMs + 2 * SKEW_MS,
    deadlineMs: Number.MAX_SAFE_INTEGER,
    checkTime: charge.checkTime,
    async verify() {
      const found = await watch.look();
      if (found.state === 'refused') throw found.error;
      // The money may be on its way: no 402, or the buyer would pay again.
      if (found.state !== 'settled') throw notYet();
      const madeAtMs = 1000 * (await node.timeOf(watch.block()));
      if (madeAtMs < expiresAtMs - lifeMs - SKEW_MS)
        throw mismatch('The transfer is older than the challenge.');
      return { isHeld: true };
    },
    settle: () => certain(config, watch.look()),
    release: async () => undefined,
  };
}

/** Whether the transaction can be mined next and would succeed. @throws Refusal */
async function checkedSender(node: ChainNode, signed: Eip1559Transaction): Promise<Address> {
  const sender = await node.sender(signed);
  if (!sender) throw new Refusal('invalid_signature', 'No account can have signed this transaction.');
  const [next, baseFee, succeeds] = await Promise.all([
    node.nextNonce(sender),
    node.baseFee(),
    node.wouldSucceed(signed, sender),
  ]);
  if (signed.nonce !== next)
    throw new Refusal('nonce_mismatch', `The next transaction of its account has the nonce ${next}.`);
  if (signed.maxFeePerGas < baseFee)
    throw new Refusal('fee_too_low', `The transaction must offer ${baseFee} wei per gas at least.`);
  if (!succeeds)
    throw new Refusal('insufficient_funds', 'The transaction would fail: its account lacks tokens or gas.');
  return sender;
}

/** Looks for a transaction in the chain and remembers what it has seen. */
function watching(charge: TransferCharge, hash: Hex) {
  const { option, transfers, node, source } = charge;
  const { network } = option;
  let payer: Address | undefined;
  let block = 0n;

  function paidBy(sender: Address): void {
    if (source !== undefined && !sameHex(source, mpp.evmSource(network.chainId, sender))) {
      throw new Refusal('source_mismatch', 'The source is not the sender of the transaction.');
    }
    payer = sender;
  }

  /** @throws AgentPayError `unavailable`, Refusal when somebody else has paid */
  async function look(): Promise<SettleOutcome> {
    const [found, head] = await Promise.all([node.find(hash), node.head()]);
    if (!found?.receipt || head - found.receipt.blockNumber + 1n < BigInt(transfers.confirmations))
      return { state: 'unknown' };
    if (!makes(found, transferOf(charge))) {
      return { state: 'refused', error: mismatch('The transaction did not make the transfer that is due.') };
    }
    paidBy(found.from);
    block = found.receipt.blockNumber;
    const { token: asset, to: payTo, amount } = transferOf(charge);
    const moved = {
      network: network.id,
      asset,
      amount: amount.toString(),
      payTo,
      payer: found.from,
      transaction: hash,
    };
    return { state: 'settled', receipt: charge.receipt(hash), moved };
  }

  return {
    key: `tx:${network.id}:${hash}`.toLowerCase(),
    /** Known once the chain was asked. */
    payer: () => `${network.id}:${payer ?? 'unknown'}`,
    block: () => block,
    paidBy,
    look,
  };
}

/** One transfer, by the transaction's own call: transfers that a contract makes for others may be payments already. */
function makes({ from, to, input, receipt }: KnownTransaction, transfer: Transfer): boolean {
  if (!receipt || BigInt(receipt.status) !== 1n || !isTransferCall({ to, data: input }, transfer))
    return false;
  return receipt.logs.some((log) => isTransferLog(log, transfer, from));
}

function transferOf({ option, amount }: TransferCharge): Transfer {
  return { token: option.asset.address, to: option.payTo, amount };
}

async function certain(config: PaywallConfig, outcome: Promise<SettleOutcome>): Promise<SettleOutcome> {
  try {
    return await outcome;
  } catch (error) {
    config.report({ what: 'a transaction could not be followed', error });
    return { state: 'unknown' };
  }
}

function notYet(): AgentPayError {
  return new AgentPayError('settlement_unknown', 'The transfer is not in the chain yet.', { retryAfter: 2 });
}

function mismatch(message: string): Refusal {
  return new Refusal('transfer_mismatch', message);
}
