import type { Network } from '@agentpay/primitives';
import {
  bytesToHex,
  domainSeparator,
  hashAuthorization,
  sameHex,
  type Address,
  type Reason,
} from '@agentpay/protocol';
import {
  authorizationStateCall,
  balanceCall,
  isValidSignatureCall,
  recoverAuthorizer,
  revertText,
  saysValidSignature,
  transferCall,
  type CallResult,
  type Chain,
} from '@agentpay/evm';
import type { ExactPayment } from './exact.js';

/** Seconds that an authorization must still live: a block or three to get into. */
export const MIN_LIFE_SECONDS = 6n;

/** What a facilitator serves. */
export interface ExactSettings {
  readonly network: Network;
  /** Payees to serve; undefined: all. */
  readonly payTo?: readonly Address[] | undefined;
  /** Longest time from now to `validBefore`, in seconds. */
  readonly maxValidBeforeSeconds: number;
}

/** Why a payment is refused: the reason, and a sentence for people. */
export interface Refusal {
  readonly reason: Reason;
  readonly message: string;
}

/** What the chain says of a payment, all from one `eth_call` on one block. */
export interface ChainFacts {
  readonly authorizationState: CallResult;
  readonly balance: CallResult;
  readonly transfer: CallResult;
  /** The payer's account takes the signature by ERC-1271; asked only when it is not the payer's own ECDSA signature. */
  readonly accountAccepts: boolean;
}

/** A payment under examination. Signer and chain facts are fetched once, when the first check needs them. */
export interface Examination {
  readonly payment: ExactPayment;
  readonly settings: ExactSettings;
  readonly nowSeconds: bigint;
  /** Whether the payer's own key signed. */
  isSignedByKey(): Promise<boolean>;
  facts(): Promise<ChainFacts>;
}

export type Check = (examination: Examination) => Refusal | undefined | Promise<Refusal | undefined>;

export function examine(payment: ExactPayment, context: { chain: Chain; settings: ExactSettings; nowSeconds: bigint }): Examination {
  const { chain, settings, nowSeconds } = context;
  let signed: Promise<boolean> | undefined;
  let facts: Promise<ChainFacts> | undefined;
  const isSignedByKey = () => (signed ??= isSigned(payment, settings));
  return { payment, settings, nowSeconds, isSignedByKey, facts: () => (facts ??= readFacts(chain, payment, settings, isSignedByKey())) };
}

/** The first refusal of the checks, in their order; undefined when all pass. */
export async function firstRefusal(checks: readonly Check[], examination: Examination): Promise<Refusal | undefined> {
  for (const check of checks) {
    const refusal = await check(examination);
    if (refusal) return refusal;
  }
  return undefined;
}

function digestOf({ tokenName = '', tokenVersion = '', asset, authorization }: ExactPayment, { network }: ExactSettings): Uint8Array {
  const domain = { name: tokenName, version: tokenVersion, chainId: network.chainId, verifyingContract: asset };
  return hashAuthorization(domainSeparator(domain), authorization);
}

async function isSigned(payment: ExactPayment, settings: ExactSettings): Promise<boolean> {
  const signer = await recoverAuthorizer(digestOf(payment, settings), payment.signature);
  return signer !== undefined && sameHex(signer, payment.authorization.from);
}

async function readFacts(chain: Chain, payment: ExactPayment, settings: ExactSettings, byKey: Promise<boolean>): Promise<ChainFacts> {
  const { asset, authorization, signature } = payment;
  const calls = [
    authorizationStateCall(asset, authorization.from, authorization.nonce),
    balanceCall(asset, authorization.from),
    transferCall(asset, authorization, signature),
  ];
  // Asked last: code of the payer's choice may burn all the gas there is.
  const alone = !(await byKey);
  if (alone) calls.push(isValidSignatureCall(authorization.from, bytesToHex(digestOf(payment, settings)), signature));
  const results = await chain.read(calls, alone ? undefined : { payer: authorization.from });
  const [authorizationState, balance, transfer, account] = results as [CallResult, CallResult, CallResult, CallResult | undefined];
  return { authorizationState, balance, transfer, accountAccepts: account !== undefined && saysValidSignature(account) };
}

// Checks of the terms: what the two sides agreed, and the signature.

const scheme: Check = ({ payment }) =>
  refuse(payment.accepted.scheme !== 'exact' || payment.scheme !== 'exact', 'unsupportedScheme', 'Only scheme exact is served.');

const tokenDomain: Check = ({ payment }) =>
  refuse(!payment.tokenName || !payment.tokenVersion, 'missingDomain', 'The requirements lack extra.name or extra.version of the token.');

const sameNetwork: Check = ({ payment }) =>
  refuse(payment.accepted.network !== payment.network, 'networkMismatch', 'Payload and requirements name different networks.');

const servedNetwork: Check = ({ payment: { network, x402Version }, settings }) => {
  const name = x402Version === 1 ? settings.network.name : settings.network.id;
  return refuse(network !== name, 'invalidNetwork', `This facilitator serves ${name} only.`);
};

const servedAsset: Check = ({ payment, settings: { network } }) =>
  refuse(!sameHex(payment.asset, network.usdc.address), 'assetNotAllowed', `This facilitator moves USDC at ${network.usdc.address} only.`);

const servedRecipient: Check = ({ payment, settings: { payTo } }) => {
  const served = payTo === undefined || payTo.some((allowed) => sameHex(allowed, payment.payTo));
  return refuse(!served, 'recipientNotAllowed', 'The payee is not served here.');
};

const counterfactual: Check = ({ payment }) =>
  refuse(payment.signature.endsWith('6492'.repeat(16)), 'factoryNotAllowed', 'Accounts that are not deployed yet are not served.');

const signature: Check = async (examination) => {
  const good = (await examination.isSignedByKey()) || (await examination.facts()).accountAccepts;
  return refuse(!good, 'signature', 'The payer did not give this signature.');
};

const recipient: Check = ({ payment: { authorization, payTo } }) =>
  refuse(!sameHex(authorization.to, payTo), 'recipientMismatch', 'The authorization pays somebody else than payTo.');

const notExpired: Check = ({ payment: { authorization }, nowSeconds }) =>
  refuse(authorization.validBefore < nowSeconds + MIN_LIFE_SECONDS, 'validBefore', 'The authorization has expired or is about to.');

const notTooLong: Check = ({ payment: { authorization }, nowSeconds, settings: { maxValidBeforeSeconds } }) => {
  const limit = nowSeconds + BigInt(maxValidBeforeSeconds);
  return refuse(authorization.validBefore > limit, 'validBefore', `The authorization lives longer than ${maxValidBeforeSeconds} seconds.`);
};

const notEarly: Check = ({ payment: { authorization }, nowSeconds }) =>
  refuse(authorization.validAfter > nowSeconds, 'validAfter', 'The authorization is not valid yet.');

const value: Check = ({ payment: { authorization, amount } }) => {
  const exact = authorization.value === amount && amount > 0n;
  return refuse(!exact, 'valueMismatch', 'The authorization must move exactly the amount, and more than nothing.');
};

/** Checks that need no look at the chain, but for the signature of an account with code. */
export const termChecks: readonly Check[] = [
  scheme,
  tokenDomain,
  sameNetwork,
  servedNetwork,
  servedAsset,
  servedRecipient,
  counterfactual,
  signature,
  recipient,
  notExpired,
  notTooLong,
  notEarly,
  value,
];

// Checks of what the chain says.

const assetDeployed: Check = async ({ facts }) => {
  const { success, data } = (await facts()).authorizationState;
  return refuse(success && data === '0x', 'assetNotDeployed', 'There is no contract at the address of the asset.');
};

const supportsEip3009: Check = async ({ facts }) =>
  refuse(!(await facts()).authorizationState.success, 'eip3009NotSupported', 'The asset does not know EIP-3009.');

const nonceUnused: Check = async ({ facts }) =>
  refuse(BigInt((await facts()).authorizationState.data) !== 0n, 'nonceUsed', 'The authorization was used or cancelled before.');

const tokenName: Check = ({ payment, settings }) =>
  refuse(payment.tokenName !== settings.network.usdc.eip712.name, 'nameMismatch', 'extra.name is not that of the token.');

const tokenVersion: Check = ({ payment, settings }) =>
  refuse(payment.tokenVersion !== settings.network.usdc.eip712.version, 'versionMismatch', 'extra.version is not that of the token.');

const balance: Check = async ({ payment, facts }) => {
  const { success, data } = (await facts()).balance;
  const held = success && data !== '0x' ? BigInt(data) : 0n;
  return refuse(held < payment.authorization.value, 'insufficientBalance', 'The payer holds less than the amount.');
};

const simulation: Check = async ({ facts }) => transferRefusal((await facts()).transfer);

/** Checks of the chain's facts. */
export const chainChecks: readonly Check[] = [
  assetDeployed,
  supportsEip3009,
  nonceUnused,
  tokenName,
  tokenVersion,
  balance,
  simulation,
];

const revertReasons: readonly (readonly [RegExp, Reason])[] = [
  [/expired/i, 'validBefore'],
  [/not yet valid/i, 'validAfter'],
  [/used or canceled/i, 'nonceUsed'],
  [/exceeds balance/i, 'insufficientBalance'],
  [/invalid signature/i, 'signature'],
];

/** Why a simulated transfer fails, by the token's own words; undefined when it does not. */
export function transferRefusal(transfer: CallResult): Refusal | undefined {
  if (transfer.success) return undefined;
  const said = revertText(transfer) ?? 'without saying why';
  const reason = revertReasons.find(([pattern]) => pattern.test(said))?.[1] ?? 'simulationFailed';
  return { reason, message: `The transfer would fail: ${said}.` };
}

function refuse(when: boolean, reason: Reason, message: string): Refusal | undefined {
  return when ? { reason, message } : undefined;
}
