import { sameHex, type Reason } from '@agentpay/protocol';
import { revertText, saysValidSignature, type CallResult } from '@agentpay/evm';
import type { Eip3009Findings, Eip3009Payment } from './Eip3009Payment.js';
import { numberIn, type ChainCheck, type TermCheck } from './examine.js';
import type { PaymentRefusal } from './Scheme.js';
import {
  MIN_LIFE_SECONDS,
  refuse,
  refuseOtherNetwork,
  servedAsset,
  servedNetwork,
  servedRecipient,
  refuseShortBalance,
  servedToken,
  tooLong,
} from './terms.js';

type OfTerms = TermCheck<Eip3009Payment, Eip3009Findings>;
type OfChain = ChainCheck<Eip3009Payment, Eip3009Findings>;

/** Whether an account that was asked for its ERC-1271 response has code. */
export function hasCode({ success, data }: CallResult): boolean {
  return !success || data !== '0x';
}

/** Whether the factory that would deploy the payer's account may be called. */
export function isServedFactory({
  signed: { deployment },
  settings: { factories = [] },
}: Eip3009Payment): boolean {
  return deployment !== undefined && factories.some((factory) => sameHex(factory, deployment.factory));
}

// Checks of the terms: what the two sides agreed, and the signature.

const scheme: OfTerms = ({ payment }) =>
  refuse(
    payment.accepted.scheme !== 'exact' || payment.scheme !== 'exact',
    'unsupportedScheme',
    'The payer accepted another scheme.',
  );

const tokenDomain: OfTerms = ({ payment }) =>
  refuse(
    !payment.tokenName || !payment.tokenVersion,
    'missingDomain',
    'The requirements lack extra.name or extra.version of the token.',
  );

const sameNetwork: OfTerms = ({ payment }) => refuseOtherNetwork(payment, 'networkMismatch');

const signature: OfTerms = async ({ payment, isSignedByKey, findings }) => {
  if (isSignedByKey()) return undefined;
  const { account } = await findings();
  const planned = payment.signed.deployment && !hasCode(account);
  // Nobody can ask an account that does not exist yet: its signature is proved by the simulated transfer.
  if (planned)
    return refuse(
      !isServedFactory(payment),
      'factoryNotAllowed',
      'The factory of an account not deployed yet is not allowed.',
    );
  return refuse(!saysValidSignature(account), 'signature', 'The payer did not give this signature.');
};

const recipient: OfTerms = ({ payment: { authorization, payTo } }) =>
  refuse(
    !sameHex(authorization.to, payTo),
    'recipientMismatch',
    'The authorization pays somebody else than payTo.',
  );

const notExpired: OfTerms = ({ payment: { authorization }, nowSeconds }) =>
  refuse(
    authorization.validBefore < nowSeconds + MIN_LIFE_SECONDS,
    'validBefore',
    'The authorization has expired or is about to.',
  );

const notTooLong: OfTerms = (subject) =>
  tooLong(subject.payment.authorization.validBefore, 'validBefore', subject);

const notEarly: OfTerms = ({ payment: { authorization }, nowSeconds }) =>
  refuse(authorization.validAfter > nowSeconds, 'validAfter', 'The authorization is not valid yet.');

const value: OfTerms = ({ payment: { authorization, amount } }) => {
  const exact = authorization.value === amount && amount > 0n;
  return refuse(
    !exact,
    'valueMismatch',
    'The authorization must move exactly the amount, and more than nothing.',
  );
};

/** Checks that need no look at the chain, but for the signature of an account with code. */
export const termChecks: readonly OfTerms[] = [
  scheme,
  tokenDomain,
  sameNetwork,
  servedNetwork,
  servedAsset,
  servedRecipient,
  signature,
  recipient,
  notExpired,
  notTooLong,
  notEarly,
  value,
];

// Checks of what the chain says.

const assetDeployed: OfChain = ({ authorizationState: { success, data } }) =>
  refuse(success && data === '0x', 'assetNotDeployed', 'There is no contract at the address of the asset.');

/** A key's account that has code as well (EIP-7702) is asked like any other. */
const accountAgrees: OfChain = ({ account }, { isSignedByKey }) => {
  const refused = isSignedByKey() && hasCode(account) && !saysValidSignature(account);
  return refuse(refused, 'signature', "The code of the payer's account does not take the signature.");
};

const supportsEip3009: OfChain = ({ authorizationState }) =>
  refuse(!authorizationState.success, 'eip3009NotSupported', 'The asset does not know EIP-3009.');

const nonceUnused: OfChain = ({ authorizationState: { data } }) =>
  refuse(BigInt(data) !== 0n, 'nonceUsed', 'The authorization was used or cancelled before.');

const tokenName: OfChain = (_findings, { payment }) =>
  refuse(
    payment.tokenName !== servedToken(payment)?.eip712.name,
    'nameMismatch',
    'extra.name is not that of the token.',
  );

const tokenVersion: OfChain = (_findings, { payment }) =>
  refuse(
    payment.tokenVersion !== servedToken(payment)?.eip712.version,
    'versionMismatch',
    'extra.version is not that of the token.',
  );

const balance: OfChain = ({ balance: result }, { payment }) => {
  const held = numberIn(result) ?? 0n;
  const { from: payer, value: needed } = payment.authorization;
  return refuseShortBalance(payment, 'insufficientBalance', { payer, held, needed });
};

const deployment: OfChain = ({ account, deployment: deployed }) => {
  const failed = deployed !== undefined && !deployed.success && !hasCode(account);
  return refuse(failed, 'smartWalletDeploymentFailed', "The factory does not deploy the payer's account.");
};

const simulation: OfChain = ({ transfer }) => transferRefusal(transfer);

/** With the gas of the transaction and from its sender; the simulation before this one had more, and came from nobody. */
const simulationAsSent: OfChain = ({ asSent }) =>
  refuse(
    asSent?.success === false,
    'simulationFailed',
    'The transaction that would carry the transfer would fail.',
  );

/** Checks of the chain's findings. */
export const chainChecks: readonly OfChain[] = [
  assetDeployed,
  supportsEip3009,
  accountAgrees,
  nonceUnused,
  tokenName,
  tokenVersion,
  balance,
  deployment,
  simulation,
  simulationAsSent,
];

const revertReasons: readonly (readonly [RegExp, Reason])[] = [
  [/expired/i, 'validBefore'],
  [/not yet valid/i, 'validAfter'],
  [/used or canceled/i, 'nonceUsed'],
  [/exceeds balance/i, 'insufficientBalance'],
  [/invalid signature/i, 'signature'],
];

/** Why a simulated transfer fails, by the token's own words; undefined when it does not. */
export function transferRefusal(transfer: CallResult): PaymentRefusal | undefined {
  if (transfer.success) return undefined;
  const said = revertText(transfer) ?? 'without saying why';
  const reason = revertReasons.find(([pattern]) => pattern.test(said))?.[1] ?? 'simulationFailed';
  return { reason, message: `The transfer would fail: ${said}.` };
}
