import {
  authorizationUseIn,
  bytesToHex,
  checksumAddress,
  domainSeparator,
  exactPayloadSchema,
  fromAuthorization,
  hashAuthorization,
  parseShape,
  sameHex,
  toAuthorization,
  unwrapSignature,
  type Authorization,
  type Deployment,
  type ExactPayload,
  type FacilitatorRequest,
  type Hex,
} from '@agentpay/protocol';
import {
  asOneCall,
  authorizationStateCall,
  balanceCall,
  canonicalSignature,
  isValidSignatureCall,
  keccak256,
  provesTransfer,
  transferCall,
  type Call,
  type CallResult,
  type Chain,
} from '@agentpay/evm';
import type { Eip3009Findings, Eip3009Payment } from './Eip3009Payment.js';
import { chainChecks, hasCode, isServedFactory, termChecks, transferRefusal } from './eip3009Checks.js';
import { examine, type Examiner } from './examine.js';
import type {
  GasLimits,
  Order,
  TransferProof,
  Scheme,
  SchemeSettings,
  SettlementTransfer,
  Use,
} from './Scheme.js';
import { signerOf } from './signerOf.js';
import { fingerprintOf, lower, malformedAs, readTerms } from './terms.js';

/** Gas limit where no code of the payer's choice runs; what is not used is not paid. */
const KEY_GAS = 150_000n;

/** Scheme `exact` by EIP-3009, in both versions of x402. */
export const eip3009: Scheme = {
  name: 'exact-eip3009',
  takes: ({ paymentRequirements: { scheme } }) => scheme === 'exact',
  read(request, settings) {
    const payment = readPayment(request, settings);
    const { asset, amount, authorization, signature } = payment;
    const wire = fromAuthorization(authorization);
    let fingerprint: string | undefined;
    return {
      scheme: eip3009.name,
      payer: authorization.from,
      asset,
      nonce: authorization.nonce,
      amount,
      validAfter: payment.authorization.validAfter,
      authorization: wire,
      get fingerprint() {
        return (fingerprint ??= fingerprintOf(payment, [...Object.values(wire), signature]));
      },
      purchase: payment.purchase,
      tellsAmount: false,
      examine: (context) => examine(examiner, payment, context),
    };
  },
  transfer: transferOf,
};

function readPayment(request: FacilitatorRequest, settings: SchemeSettings): Eip3009Payment {
  const { extra } = request.paymentRequirements;
  const payload = malformedAs('invalid_payload', () =>
    parseShape(exactPayloadSchema, request.paymentPayload.payload, 'payload'),
  );
  const payment = {
    ...readTerms(request, settings),
    tokenName: text(extra?.['name']),
    tokenVersion: text(extra?.['version']),
    authorization: canonical(toAuthorization(payload.authorization)),
    signature: payload.signature,
    signed: malformedAs('invalid_payload', () => unwrapSignature(payload.signature)),
  };
  let digest: Hex | undefined;
  return { ...payment, digest: () => (digest ??= digestOf(payment)) };
}

/** Addresses may come in any case, also with a checksum that is wrong; they leave in the one form that everybody takes. */
function canonical(authorization: Authorization): Authorization {
  const { from, to, nonce } = authorization;
  return { ...authorization, from: checksumAddress(from), to: checksumAddress(to), nonce: lower(nonce) };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

const examiner: Examiner<Eip3009Payment, Eip3009Findings> = {
  termChecks,
  chainChecks,
  isSignedByKey(payment) {
    const signer = signerOf(payment.digest(), payment.signed.signature);
    return signer !== undefined && sameHex(signer, payment.authorization.from);
  },
  readFindings,
  proof: (payment, byKey, { account }) => proofOf(payment, byKey, account),
};

function digestOf({
  tokenName = '',
  tokenVersion = '',
  asset,
  authorization,
  settings: { network },
}: Omit<Eip3009Payment, 'digest'>): Hex {
  const domain = {
    name: tokenName,
    version: tokenVersion,
    chainId: network.chainId,
    verifyingContract: asset,
  };
  return bytesToHex(hashAuthorization(domainSeparator(domain), authorization, keccak256));
}

async function readFindings(
  chain: Chain,
  payment: Eip3009Payment,
  byKey: boolean,
  nowSeconds: bigint,
): Promise<Eip3009Findings> {
  const { asset, authorization, signed } = payment;
  const { from, nonce } = authorization;
  const signature = byKey ? canonicalSignature(signed.signature) : signed.signature;
  const deploys =
    !byKey && signed.deployment && isServedFactory(payment) ? [deploymentCall(signed.deployment)] : [];
  // Code of the payer's choice may burn all the gas there is, so what runs it comes last.
  const calls = [
    authorizationStateCall(asset, from, nonce),
    balanceCall(asset, from),
    isValidSignatureCall(from, payment.digest(), signature),
    ...deploys,
    transferCall(asset, authorization, signature),
  ];
  const results = await chain.read(calls, byKey ? { payer: from } : undefined);
  const [authorizationState, balance, account] = results as [CallResult, CallResult, CallResult];
  const transfer = results.at(-1) as CallResult;
  const { validAfter } = authorization;
  // The latest block is older than the authorization; the next one takes it.
  const isNext = validAfter <= nowSeconds && transferRefusal(transfer)?.reason === 'validAfter';
  const runsCode = deploys.length > 0 || hasCode(account);
  const asSent =
    isNext || runsCode
      ? await simulateAsSent(
          chain,
          payment,
          proofOf(payment, byKey, account),
          isNext ? validAfter + 1n : undefined,
        )
      : undefined;
  return {
    authorizationState,
    balance,
    account,
    deployment: deploys.length > 0 ? results[3] : undefined,
    transfer: isNext && asSent ? asSent : transfer,
    asSent: runsCode ? asSent : undefined,
  };
}

/** The transaction that would carry it. Code of the payer's choice may behave otherwise with less gas, or for another sender. */
function simulateAsSent(
  chain: Chain,
  payment: Eip3009Payment,
  proof: TransferProof,
  time: bigint | undefined,
): Promise<CallResult> {
  const { asset, authorization, settings } = payment;
  const { from: payer, nonce, value: amount } = authorization;
  const order = {
    scheme: eip3009.name,
    payer,
    asset,
    nonce,
    amount,
    authorization: fromAuthorization(authorization),
  };
  const { calls, gas } = transferOf({ ...order, ...proof }, settings.gas);
  return chain.simulate(asOneCall(calls()), { from: settings.facilitatorAddress, gas, time });
}

function proofOf({ signature, signed }: Eip3009Payment, byKey: boolean, account: CallResult): TransferProof {
  if (byKey) return { signature: canonicalSignature(signed.signature), byAccount: hasCode(account) };
  // An account that exists by now needs no deployment.
  return {
    signature: signed.deployment && !hasCode(account) ? signature : signed.signature,
    byAccount: true,
  };
}

function deploymentCall({ factory, data }: Deployment): Call {
  return { to: factory, data };
}

function transferOf(
  { asset, payer, nonce, signature, byAccount, ...order }: Order,
  limits: GasLimits,
  since?: bigint,
): SettlementTransfer {
  const authorization = toAuthorization(order.authorization as ExactPayload['authorization']);
  const { deployment, signature: inner } = unwrapSignature(signature);
  const pay = () => transferCall(asset, authorization, inner);
  // An account that exists by now needs no deployment; a deployment that brings no payment is undone.
  const calls = () => (deployment ? [deploymentCall(deployment), { ...pay(), required: true }] : [pay()]);
  return {
    calls,
    alone: byAccount,
    gas: deployment ? limits.deployment : byAccount ? limits.account : KEY_GAS,
    sender: undefined,
    endsAt: authorization.validBefore,
    endReason: 'validBefore',
    usedReason: 'nonceUsed',
    useQuestion: authorizationStateCall(asset, payer, nonce),
    isUsed: ({ success, data }) => (success && data !== '0x' ? BigInt(data) !== 0n : undefined),
    async findUse(chain): Promise<Use | undefined> {
      const receipt = await chain.authorizationUse(asset, payer, nonce, since);
      const use = receipt && authorizationUseIn(receipt.logs, asset, authorization);
      return use && { receipt, paid: use === 'payment' };
    },
    isProvedBy: (logs) => provesTransfer(logs, asset, authorization),
    simulate: async (chain) => transferRefusal((await chain.read(calls())).at(-1) as CallResult),
  };
}
