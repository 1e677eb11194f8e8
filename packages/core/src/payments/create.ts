import { AgentPayError, isId } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import { checkAmount } from '../amount.js';
import { approvalRows, useIn, withApproval } from '../approvals/index.js';
import type { Scene, Want } from '../batch/index.js';
import type { Core } from '../Core.js';
import { feeOn } from '../fees.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { available, balances, movements, postIn } from '../ledger/index.js';
import { allow, allowWants, reserveIn } from '../spending/index.js';
import type { Spending } from '../spending/index.js';
import { checkOptionalText, checkText } from '../text.js';
import { isOnChain, owned, walletRows } from '../wallets/index.js';
import type { Wallet } from '../wallets/index.js';
import { paymentCompleted, paymentInitiated, tell } from './events.js';
import { completeKey, newPayment, payeeAccount, payeeNames } from './Payment.js';
import type { Payment } from './Payment.js';
import { paymentKeys, paymentRows } from './PaymentStore.js';
import { externalRails, railOf } from './ports.js';
import type { Rail } from './Rail.js';

/** A payment as its payer asks for it. */
export interface PaymentRequest {
  readonly principal: Principal;
  readonly fromWalletId: string;
  readonly toWalletId?: string | undefined;
  /** Label of somebody who is not on the platform. */
  readonly toExternal?: string | undefined;
  readonly amount: Amount;
  /** That of the wallet when absent. */
  readonly currency?: string | undefined;
  /** `internal` when absent. */
  readonly rail?: string | undefined;
  readonly description?: string | undefined;
  /** The same key and request again give the first payment and pay nothing. */
  readonly idempotencyKey?: string | undefined;
  /** An approval that its owner gave, where the rules ask for one. */
  readonly approvalId?: string | undefined;
}

type Checked = Omit<
  PaymentRequest,
  'principal' | 'rail' | 'description' | 'idempotencyKey' | 'approvalId'
> & {
  readonly payer: string;
  readonly rail: string;
  readonly connector: Rail | undefined;
  readonly description: string | null;
  readonly idempotencyKey: string | null;
};

/**
 * Pays from a wallet of the caller: at once by the books of the platform, or reserved for another rail, which `progress` then works.
 * One that needs its owner's approval is refused with the id of the approval that was asked for; once it is given, the same payment passes
 * with that id, or under the same idempotency key.
 * @throws AgentPayError `invalid_request`, `invalid_amount`, `settlement_not_configured`, `wallet_not_found`, `currency_mismatch`,
 * `approval_not_found`, `policy_denied`, `insufficient_funds`, `conflict` (the idempotency key was used for another payment)
 */
export async function create(core: Core, request: PaymentRequest): Promise<Payment> {
  const checked = check(core, request);
  const { principal, approvalId: named } = request;
  const terms = async () => {
    const { currency } = await owned(core.db, { principal, walletId: checked.fromWalletId });
    return { ...approvedTerms({ ...checked, currency }), description: checked.description };
  };
  return withApproval(
    core,
    { approvalId: named, idempotencyKey: checked.idempotencyKey, terms },
    (approvalId) =>
      core.batch.run({
        wants: wants(checked, approvalId),
        lane: checked.fromWalletId,
        decide: (scene) => decide(core, scene, checked, approvalId),
      }),
  );
}

/** What an approval of a payment is about. */
function approvedTerms(of: Checked & { readonly currency: string }) {
  const { payer: payerId, rail, amount, currency, toWalletId, toExternal } = of;
  return { payerId, subject: 'payment', payee: toWalletId ?? toExternal ?? '', rail, currency, amount };
}

function check(core: Core, request: PaymentRequest): Checked {
  const payer = requireParty(request.principal, 'agent', 'user', 'org', 'developer', 'gateway');
  const { fromWalletId, toWalletId, toExternal, amount, currency, rail = 'internal' } = request;
  checkAmount(amount, 'amount');
  if ((toWalletId === undefined) === (toExternal === undefined))
    throw invalid('toWalletId', 'Give the payee once, as a wallet or as an external label.');
  if (!isId('wallet', fromWalletId)) throw noWallet('fromWalletId');
  if (toWalletId !== undefined && !isId('wallet', toWalletId)) throw noWallet('toWalletId');
  if (toWalletId === fromWalletId) throw invalid('toWalletId', 'A wallet cannot pay itself.');
  if (toExternal !== undefined) checkText('externalPayee', toExternal);
  return {
    payer,
    fromWalletId,
    toWalletId,
    toExternal,
    amount,
    currency,
    rail,
    connector: connectorOf(core, rail),
    description: checkOptionalText('description', request.description),
    idempotencyKey: checkOptionalText('idempotencyKey', request.idempotencyKey),
  };
}

function connectorOf(core: Core, rail: string): Rail | undefined {
  if (rail === 'internal') return undefined;
  if (!(externalRails as readonly string[]).includes(rail))
    throw invalid('rail', `The rails are internal, ${externalRails.join(', ')}.`);
  return railOf(core, rail, { param: 'rail' });
}

function wants(
  { payer, fromWalletId, toWalletId, idempotencyKey }: Checked,
  approvalId: string | undefined,
): Want[] {
  const rows: Want[] = [...allowWants(payer), [walletRows, [fromWalletId]]];
  rows.push([balances, [available(fromWalletId), 'USD']]);
  if (toWalletId !== undefined) {
    rows.push([walletRows, [toWalletId]], [balances, [available(toWalletId), 'USD']]);
  }
  if (approvalId !== undefined) rows.push([approvalRows, [approvalId]]);
  if (idempotencyKey !== null) rows.push([paymentKeys, [payer, idempotencyKey]]);
  return rows;
}

function decide(core: Core, scene: Scene, request: Checked, approvalId: string | undefined): Payment {
  const { payer, idempotencyKey, connector } = request;
  const first = idempotencyKey === null ? undefined : scene.find(paymentKeys, payer, idempotencyKey);
  if (first) return repeated(first, request);
  const wallet = scene.find(walletRows, request.fromWalletId);
  if (!wallet || wallet.ownerId !== payer) throw noWallet('fromWalletId');
  const payee = request.toWalletId === undefined ? undefined : scene.find(walletRows, request.toWalletId);
  if (request.toWalletId !== undefined && !payee) throw noWallet('toWalletId');
  assertCurrencies(request, wallet, payee);
  connector?.accepts({ payeeExternal: request.toExternal ?? null, amount: request.amount });
  const payment = draft(core, request, { wallet, payee });
  if (approvalId !== undefined) {
    const terms = approvedTerms({ ...request, currency: wallet.currency });
    useIn(core, scene, { ...terms, approvalId, usedBy: payment.id });
  }
  const spending = spendingOf(payment, approvalId !== undefined);
  return connector
    ? reservePayment(core, scene, payment, spending)
    : payAtOnce(core, scene, payment, spending);
}

function draft(
  core: Core,
  request: Checked,
  { wallet, payee }: { wallet: Wallet; payee: Wallet | undefined },
): Payment {
  const terms = core.settings.fees.payment;
  return newPayment(core, {
    rail: request.rail,
    payerId: request.payer,
    payerWalletId: wallet.id,
    payeeId: payee?.ownerId ?? null,
    payeeWalletId: payee?.id ?? null,
    payeeExternal: request.toExternal ?? null,
    amount: request.amount,
    fee: feeOn(request.amount, terms),
    feeMode: terms.mode,
    currency: wallet.currency,
    status: 'pending',
    description: request.description,
    idempotencyKey: request.idempotencyKey,
    createdAt: new Date(core.clock.now()),
  });
}

/** By the books of the platform a payment is authorized and completed in one step. */
function payAtOnce(core: Core, scene: Scene, draftOf: Payment, spending: Spending): Payment {
  const payment: Payment = { ...draftOf, status: 'completed', completedAt: draftOf.createdAt };
  allow(core, scene, spending);
  const { payerWalletId, currency, amount, fee } = payment;
  postIn(core, scene, {
    key: completeKey(payment.id),
    kind: 'payment',
    postings: movements.payOnTop({
      walletId: payerWalletId,
      payee: payeeAccount(payment),
      asset: currency,
      amount,
      fee,
    }),
  });
  insert(scene, payment);
  tell(core, scene, paymentCompleted, payment);
  return payment;
}

function reservePayment(core: Core, scene: Scene, draftOf: Payment, spending: Spending): Payment {
  const hold = reserveIn(core, scene, spending);
  const payment: Payment = {
    ...draftOf,
    status: 'authorized',
    holdId: hold.id,
    nextAttemptAt: draftOf.createdAt,
  };
  insert(scene, payment);
  tell(core, scene, paymentInitiated, payment);
  return payment;
}

function insert(scene: Scene, payment: Payment): void {
  if (payment.idempotencyKey === null) scene.insert(paymentRows, payment);
  else scene.insert(paymentKeys, payment);
}

function spendingOf(payment: Payment, approved: boolean): Spending {
  const { payerId, payerWalletId, amount, fee, currency, rail } = payment;
  return {
    payer: payerId,
    walletId: payerWalletId,
    amount,
    fee,
    asset: currency,
    payee: payeeNames(payment),
    rail,
    purpose: 'payment',
    approved,
  };
}

function assertCurrencies(request: Checked, wallet: Wallet, payee: Wallet | undefined): void {
  const { currency = wallet.currency, connector, rail } = request;
  if (isOnChain(wallet)) throw mismatch('The wallet pays on its chain only, for purchases.', 'fromWalletId');
  if (currency !== wallet.currency) throw mismatch(`The wallet holds ${wallet.currency}.`, 'currency');
  if (payee && payee.currency !== currency)
    throw mismatch(`The wallet of the payee holds ${payee.currency}.`, 'toWalletId');
  if (connector && connector.currency !== currency)
    throw mismatch(`The rail ${rail} pays in ${connector.currency}.`, 'rail');
}

/** What was asked for under this key before. @throws AgentPayError `conflict` when it was something else */
function repeated(first: Payment, request: Checked): Payment {
  const same =
    first.payerWalletId === request.fromWalletId &&
    first.payeeWalletId === (request.toWalletId ?? null) &&
    first.payeeExternal === (request.toExternal ?? null) &&
    first.amount === request.amount &&
    first.currency === (request.currency ?? first.currency) &&
    first.rail === request.rail &&
    first.description === request.description;
  if (same) return first;
  throw new AgentPayError('conflict', 'The idempotency key was used for another payment.', {
    param: 'idempotencyKey',
  });
}

function invalid(param: string, message: string): AgentPayError {
  return new AgentPayError('invalid_request', message, { param });
}

function mismatch(message: string, param: string): AgentPayError {
  return new AgentPayError('currency_mismatch', message, { param });
}

function noWallet(param: string): AgentPayError {
  const message =
    param === 'toWalletId' ? 'There is no wallet with this id.' : 'You have no wallet with this id.';
  return new AgentPayError('wallet_not_found', message, { param });
}
