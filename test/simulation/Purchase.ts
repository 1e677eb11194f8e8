import { baseSepolia } from '@agentpay/primitives';
import {
  authorizationTypedData,
  bytesToHex,
  EXACT_PERMIT2_PROXY,
  exactPermitTypedData,
  fromAuthorization,
  fromPermit2Authorization,
  UPTO_PERMIT2_PROXY,
  uptoPermitTypedData,
  type Address,
  type Authorization,
  type FacilitatorRequest,
  type Permit2Authorization,
  type UptoWitness,
} from '@agentpay/protocol';
import { exactSettleCall, transferCall, type Call } from '@agentpay/evm';
import { keccak256, toHex, type PrivateKeyAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type { Dice } from './Dice.js';

const { usdc, id, chainId } = baseSepolia;
const domain = { ...usdc.eip712, chainId, verifyingContract: usdc.address };
const accountOf = (name: string): PrivateKeyAccount => privateKeyToAccount(keccak256(toHex(name)));

export const payers = ['payer 1', 'payer 2', 'payer 3'].map(accountOf);
export const gasAccounts = ['gas 1', 'gas 2'].map(accountOf);
export const payees: readonly Address[] = ['payee 1', 'payee 2'].map((name) => accountOf(name).address);

/** The ways to pay. */
export const rails = ['eip3009', 'permit2', 'upto'] as const;
export type Rail = (typeof rails)[number];

/** What a payer signed; for `upto`, the value is a ceiling. */
export interface Signed {
  readonly rail: Rail;
  readonly authorization: Authorization;
  readonly payload: Record<string, unknown>;
  /** What anybody may send; undefined: only the facilitator may. */
  readonly call: Call | undefined;
}

/** How a call ended for whoever bought: `unknown` while it is open, or when it died with the process. */
export type Outcome = 'unknown' | 'pending' | 'settled' | 'refused';

/** One thing that somebody buys, with what was signed to pay for it. */
export interface Purchase {
  readonly label: string;
  readonly signed: Signed;
  /** What shall move, as the chain shows it. */
  readonly transfer: Authorization;
  readonly request: FacilitatorRequest;
  /** What the buyer knows after all answers so far. */
  answer: Outcome;
  /** Calls without a response, those included that never get one. */
  open: number;
}

export function randomAuthorization(dice: Dice, nowSeconds: number): Authorization {
  return {
    from: dice.pick(payers).address,
    to: dice.pick(payees),
    value: BigInt(dice.between(1, 40)),
    validAfter: 0n,
    validBefore: BigInt(nowSeconds + dice.between(8, 90)),
    nonce: bytesToHex(dice.random.bytes(32)),
  };
}

export async function sign(rail: Rail, authorization: Authorization): Promise<Signed> {
  const payer = payers.find(({ address }) => address === authorization.from) as PrivateKeyAccount;
  if (rail === 'eip3009') {
    const signature = await payer.signTypedData(authorizationTypedData(domain, authorization));
    const payload = { signature, authorization: fromAuthorization(authorization) };
    return { rail, authorization, payload, call: transferCall(usdc.address, authorization, signature) };
  }
  const permit = permitOf(rail, authorization);
  const upto = rail === 'upto';
  const typedData = upto ? uptoPermitTypedData(chainId, permit) : exactPermitTypedData(chainId, permit);
  const signature = await payer.signTypedData(typedData as ReturnType<typeof exactPermitTypedData>);
  const payload = { signature, permit2Authorization: fromPermit2Authorization(permit) };
  return { rail, authorization, payload, call: upto ? undefined : exactSettleCall(permit, signature) };
}

function permitOf(
  rail: Rail,
  { from, to, value, validAfter, validBefore, nonce }: Authorization,
): Permit2Authorization<UptoWitness> {
  const witness = { to, validAfter, ...(rail === 'upto' && { facilitator: gasAccounts[0]?.address }) };
  return {
    from,
    permitted: { token: usdc.address, amount: value },
    spender: rail === 'upto' ? UPTO_PERMIT2_PROXY : EXACT_PERMIT2_PROXY,
    nonce: BigInt(nonce),
    deadline: validBefore,
    witness: witness as UptoWitness,
  };
}

/** Buys something for so much with what was signed. */
export function buy(label: string, signed: Signed, amount: bigint): Purchase {
  const { rail, authorization, payload } = signed;
  const { to: payTo, value } = authorization;
  const extra = rail === 'eip3009' ? usdc.eip712 : { assetTransferMethod: 'permit2' };
  const scheme = rail === 'upto' ? 'upto' : 'exact';
  const terms = {
    scheme,
    network: id,
    payTo,
    maxTimeoutSeconds: 300,
    asset: usdc.address,
    extra: { ...extra },
  };
  const accepted = { ...terms, amount: String(value) };
  const paymentRequirements = { ...terms, amount: String(amount) };
  const paymentPayload = {
    x402Version: 2 as const,
    resource: { url: `https://seller.example/${label}` },
    accepted,
    payload,
  };
  const request: FacilitatorRequest = { x402Version: 2, paymentPayload, paymentRequirements };
  return {
    label,
    signed,
    transfer: { ...authorization, value: amount },
    request,
    answer: 'unknown',
    open: 0,
  };
}

/** Names the authorization's nonce: at most one purchase of each may be granted. */
export const nonceKey = ({ from, nonce }: Pick<Authorization, 'from' | 'nonce'>): string =>
  `${from}:${nonce}`.toLowerCase();
