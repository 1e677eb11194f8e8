import type { Amount } from '@agentpay/primitives';
import * as account from './Account.js';
import type { Posting } from './Journal.js';

/**
 * Every movement of money that the platform knows, by its name: what is debited and what is credited. Lines of one account are
 * added up and those of nothing left out, so a fee of zero or a rest of zero needs no case of its own.
 */
type Line = readonly [account: string, amount: Amount];

function movement(asset: string, debits: readonly Line[], credits: readonly Line[]): Posting[] {
  const sums: Sum[] = [];
  for (const [name, amount] of debits) add(sums, { account: name, asset, amount: -amount });
  for (const [name, amount] of credits) add(sums, { account: name, asset, amount });
  const moved = sums.filter((line) => line.amount !== 0n);
  return moved.some(isExchanged) ? moved.flatMap(byExchange) : moved;
}

type Sum = Posting & { amount: Amount };

function add(sums: Sum[], line: Sum): void {
  // Lines are few: to look through them costs less than a map.
  const same = sums.find(({ account: name }) => name === line.account);
  if (same) same.amount += line.amount;
  else sums.push(line);
}

/** Whether money moves on a custody account of another asset. */
function isExchanged({ account: name, asset }: Posting): boolean {
  const symbol = account.custodySymbol(name);
  return symbol !== undefined && symbol !== account.symbolOf(asset);
}

/** Such money is exchanged one for one, by the account of the treasury that is named for it. */
function byExchange(line: Posting): Posting[] {
  if (!isExchanged(line)) return [line];
  const { account: name, asset, amount } = line;
  const symbol = account.custodySymbol(name) as string;
  return [
    { account: account.EXCHANGE, asset, amount },
    { account: account.EXCHANGE, asset: symbol, amount: -amount },
    { account: name, asset: symbol, amount },
  ];
}

const { available, held } = account;

interface Money {
  readonly asset: string;
  readonly amount: Amount;
}
interface OfWallet extends Money {
  readonly walletId: string;
}
/** `payee` is the account that is credited: `available(walletId)` or `external(label)`. */
interface Paid extends OfWallet {
  readonly payee: string;
  readonly fee: Amount;
}
interface OnChain {
  readonly network: string;
}

/** Play money is given to a wallet. */
export const faucetFund = ({ walletId, asset, amount }: OfWallet) =>
  movement(asset, [[account.FAUCET, amount]], [[available(walletId), amount]]);

/** A wallet pays at once; the fee comes on top. */
export const payOnTop = ({ walletId, payee, asset, amount, fee }: Paid) =>
  movement(
    asset,
    [[available(walletId), amount + fee]],
    [
      [payee, amount],
      [account.REVENUE_PAYMENT, fee],
    ],
  );

/** Money of a wallet is reserved: tokens, payouts, gateway calls, payments on another rail. */
export const reserve = ({ walletId, asset, amount }: OfWallet) =>
  movement(asset, [[available(walletId), amount]], [[held(walletId), amount]]);

/** Reserved money returns: expiry, cancellation, breach, failure. */
export const release = ({ walletId, asset, amount }: OfWallet) =>
  movement(asset, [[held(walletId), amount]], [[available(walletId), amount]]);

/** Reserved money pays a call; the fee is taken out of the gross. */
export const settleCall = ({ walletId, payee, asset, amount, fee }: Paid) =>
  movement(
    asset,
    [[held(walletId), amount]],
    [
      [payee, amount - fee],
      [account.REVENUE_PAYMENT, fee],
    ],
  );

/** Reserved money pays; the fee, reserved with it, came on top. */
export const settleOnTop = ({ walletId, payee, asset, amount, fee }: Paid) =>
  movement(
    asset,
    [[held(walletId), amount + fee]],
    [
      [payee, amount],
      [account.REVENUE_PAYMENT, fee],
    ],
  );

/** The payee gives the principal back; the fee stays with the platform. */
export const refund = ({ payee, walletId, asset, amount }: OfWallet & { readonly payee: string }) =>
  movement(asset, [[payee, amount]], [[available(walletId), amount]]);

/** The payee cannot cover a refund: what is there, and the rest by the platform, which becomes a claim on the payee. */
export const refundShort = ({
  payee,
  walletId,
  asset,
  amount,
  covered,
}: OfWallet & { readonly payee: string; readonly covered: Amount }) =>
  movement(
    asset,
    [
      [payee, covered],
      [account.EXPENSE_REFUNDS, amount - covered],
    ],
    [[available(walletId), amount]],
  );

/** A refund left the platform for an address, and becomes a claim on the payee. */
export const refundSent = ({ from, asset, amount }: Money & { readonly from: string }) =>
  movement(asset, [[account.EXPENSE_REFUNDS, amount]], [[from, amount]]);

/** A payee pays what the platform had given back for them. */
export const claimCollected = ({ payee, asset, amount }: Money & { readonly payee: string }) =>
  movement(asset, [[payee, amount]], [[account.EXPENSE_REFUNDS, amount]]);

/** A payout was handed to its connector. */
export const payoutSubmitted = ({ walletId, asset, amount }: OfWallet) =>
  movement(asset, [[held(walletId), amount]], [[account.PAYOUT_CLEARING, amount]]);

/** A payout arrived. `from`: `BANK`, `custody(...)`, or `FAUCET` for play money. */
export const payoutConfirmed = ({ from, asset, amount }: Money & { readonly from: string }) =>
  movement(asset, [[account.PAYOUT_CLEARING, amount]], [[from, amount]]);

/** A payout that was submitted was not sent. */
export const payoutFailed = ({ walletId, asset, amount }: OfWallet) =>
  movement(asset, [[account.PAYOUT_CLEARING, amount]], [[available(walletId), amount]]);

/** A payout that had arrived came back. `from`: the account that it left by. */
export const payoutReturned = ({ from, walletId, asset, amount }: OfWallet & { readonly from: string }) =>
  movement(asset, [[from, amount]], [[available(walletId), amount]]);

/** A card funding of a gateway was requested. */
export const gatewayFundingRequested = ({
  gatewayId,
  asset,
  amount,
}: Money & { readonly gatewayId: string }) =>
  movement(asset, [[account.PSP_STRIPE, amount]], [[account.pending(gatewayId), amount]]);

/** The card was charged. */
export const gatewayFundingCharged = ({
  gatewayId,
  walletId,
  asset,
  amount,
}: OfWallet & { readonly gatewayId: string }) =>
  movement(asset, [[account.pending(gatewayId), amount]], [[available(walletId), amount]]);

/** The card was not charged. */
export const gatewayFundingFailed = ({ gatewayId, asset, amount }: Money & { readonly gatewayId: string }) =>
  movement(asset, [[account.pending(gatewayId), amount]], [[account.PSP_STRIPE, amount]]);

/** The card processor transferred cash. */
export const cardCashArrived = ({ asset, amount }: Money) =>
  movement(asset, [[account.BANK, amount]], [[account.PSP_STRIPE, amount]]);

/** The platform has put money of its own into the treasury, or taken it out where the amount is below zero. */
export const ownMoney = ({ custody, asset, amount }: Money & { readonly custody: string }) =>
  movement(asset, [[custody, amount]], [[account.OWN_MONEY, amount]]);

/** Money arrived on a chain for a wallet. */
export const chainDeposit = ({ network, walletId, asset, amount }: OfWallet & OnChain) =>
  movement(asset, [[account.custody(network, asset), amount]], [[available(walletId), amount]]);

/** Money that a wallet had on a chain is not there any more: its deposit was taken back by a reorg. */
export const chainVanished = ({ network, walletId, asset, amount }: OfWallet & OnChain) =>
  movement(asset, [[available(walletId), amount]], [[account.custody(network, asset), amount]]);

/** An intent was pulled on a chain and is reserved for its payer. */
export const chainAuthorized = ({ network, walletId, asset, amount }: OfWallet & OnChain) =>
  movement(asset, [[account.custody(network, asset), amount]], [[held(walletId), amount]]);

/** Reserved money, with the fee that came on top, was paid out on a chain. */
export const chainPaid = ({
  network,
  walletId,
  asset,
  amount,
  fee,
}: OfWallet & OnChain & { readonly fee: Amount }) =>
  movement(
    asset,
    [[held(walletId), amount + fee]],
    [
      [account.custody(network, asset), amount],
      [account.REVENUE_PAYMENT, fee],
    ],
  );

/** A marketplace call or a billing intent of `reserved` is settled for `amount`, the fee out of it; the rest returns. */
export const marketSettled = ({
  walletId,
  payee,
  asset,
  amount,
  fee,
  reserved,
}: Paid & { readonly reserved: Amount }) =>
  movement(
    asset,
    [[held(walletId), reserved]],
    [
      [payee, amount - fee],
      [account.REVENUE_MARKET, fee],
      [available(walletId), reserved - amount],
    ],
  );

/** An own plan is paid. `from`: `available(walletId)`, or `BANK` when the invoice was paid outside. */
export const planPaid = ({ from, asset, amount }: Money & { readonly from: string }) =>
  movement(asset, [[from, amount]], [[account.REVENUE_PLANS, amount]]);

/** Equal parts of an amount, the remainder with the first: their sum is the amount. */
export function equalParts(amount: Amount, count: number): Amount[] {
  const part = amount / BigInt(count);
  return Array.from({ length: count }, (_, i) => (i === 0 ? amount - part * BigInt(count - 1) : part));
}

/** A bundle is paid: equal shares of what the fee leaves to the developers' accounts, the remainder to the first. */
export const bundlePaid = ({
  from,
  payees,
  asset,
  amount,
  fee,
}: Money & { readonly from: string; readonly payees: readonly string[]; readonly fee: Amount }) => {
  const parts = equalParts(amount - fee, payees.length);
  return movement(
    asset,
    [[from, amount]],
    [...payees.map((payee, i): Line => [payee, parts[i] as Amount]), [account.REVENUE_MARKET, fee]],
  );
};

/**
 * A paid invoice is given back whole. An own plan: by the platform, out of what it earned. A bundle: by the developers, each of them their
 * part, and what is missing by the platform; the fee stays.
 */
export const invoiceRefunded = ({
  walletId,
  asset,
  amount,
  own,
  parts,
}: OfWallet & {
  readonly own: boolean;
  readonly parts: readonly { readonly payee: string; readonly amount: Amount }[];
}) => {
  const covered = parts.reduce((sum, part) => sum + part.amount, 0n);
  return movement(
    asset,
    [
      ...parts.map((part): Line => [part.payee, part.amount]),
      [own ? account.REVENUE_PLANS : account.EXPENSE_REFUNDS, amount - covered],
    ],
    [[available(walletId), amount]],
  );
};

/** The platform gives money. */
export const granted = ({ walletId, asset, amount }: OfWallet) =>
  movement(asset, [[account.EXPENSE_GRANTS, amount]], [[available(walletId), amount]]);

/** The fixed fee of an agreement came by permit. */
export const infraFeePaid = ({ network, asset, amount }: Money & OnChain) =>
  movement(asset, [[account.custody(network, asset), amount]], [[account.REVENUE_INFRA, amount]]);

/** The fixed fee of an agreement that was never activated is given back. */
export const infraFeeReturned = ({ network, asset, amount }: Money & OnChain) =>
  movement(asset, [[account.REVENUE_INFRA, amount]], [[account.custody(network, asset), amount]]);

/** The cap of an agreement is locked. `from`: `ESCROW_CONTRACT` on chain, `available(walletId)` in the sandbox. */
export const escrowLocked = ({
  from,
  agreementId,
  asset,
  amount,
}: Money & { readonly from: string; readonly agreementId: string }) =>
  movement(asset, [[from, amount]], [[account.escrow(agreementId), amount]]);

/** An agreement of the sandbox ends: the seller gets what was used, the buyer the rest of the cap. */
export const escrowSettled = ({
  agreementId,
  seller,
  buyer,
  asset,
  amount,
  cap,
  fee,
}: Money & {
  readonly agreementId: string;
  readonly seller: string;
  readonly buyer: string;
  readonly cap: Amount;
  readonly fee: Amount;
}) =>
  movement(
    asset,
    [[account.escrow(agreementId), cap]],
    [
      [seller, amount - fee],
      [account.REVENUE_MARKET, fee],
      [buyer, cap - amount],
    ],
  );

/** The escrow contract paid an agreement out, whole. */
export const escrowSettledOnChain = ({
  agreementId,
  asset,
  amount,
}: Money & { readonly agreementId: string }) =>
  movement(asset, [[account.escrow(agreementId), amount]], [[account.ESCROW_CONTRACT, amount]]);

/** The fee of a direct payment came by permit. */
export const directFeePaid = ({ network, asset, amount }: Money & OnChain) =>
  movement(asset, [[account.custody(network, asset), amount]], [[account.REVENUE_DIRECT, amount]]);

/** A direct payment failed after its fee, which is given back. */
export const directFeeReturned = ({ network, asset, amount }: Money & OnChain) =>
  movement(asset, [[account.REVENUE_DIRECT, amount]], [[account.custody(network, asset), amount]]);

/** Gas was paid for a user. */
export const gasPaid = ({ network, asset, amount }: Money & OnChain) =>
  movement(asset, [[account.EXPENSE_GAS, amount]], [[account.custody(network, asset), amount]]);
