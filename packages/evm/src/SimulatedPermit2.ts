import {
  bytesToHex,
  EXACT_PERMIT2_PROXY,
  hashExactPermit,
  hashUptoPermit,
  PERMIT2,
  permit2Separator,
  sameHex,
  UPTO_PERMIT2_PROXY,
  type Address,
  type Hex,
  type Permit2Authorization,
} from '@agentpay/protocol';
import { decodeFunctionData, encodeErrorResult, toHex, type ContractErrorName } from 'viem';
import type { Call } from './Chain.js';
import { word } from './FiatToken.js';
import {
  exactProxyAbi,
  permit2Abi,
  permit2ErrorAbi,
  proxyPaymentLogs,
  proxyQuestions,
  uptoProxyAbi,
  witnessTypehashes,
} from './Permit2.js';
import { recoverAuthorizer } from './Signature.js';
import {
  moveTokens,
  permitTokens,
  Revert,
  type Applied,
  type Contract,
  type SimulatedState,
} from './SimulatedState.js';

/** Puts Permit2 and the x402 proxies on a simulated chain, with their rules and errors; the upto proxy has no `settleWithPermit`. */
export function deployPermit2({ contracts }: SimulatedState): void {
  contracts.set(PERMIT2.toLowerCase(), permit2);
  contracts.set(EXACT_PERMIT2_PROXY.toLowerCase(), proxy(settleExact));
  contracts.set(UPTO_PERMIT2_PROXY.toLowerCase(), proxy(settleUpto));
}

/** One payment through a proxy, before anything of it is checked. */
interface Payment {
  readonly permit: Permit2Authorization;
  readonly amount: bigint;
  readonly digest: Uint8Array;
  readonly signature: Hex;
}

interface Block {
  readonly timestamp: bigint;
  readonly sender: Address;
}

/** An error of the contracts, by name. */
class Refused extends Error {
  override readonly name = 'Refused';
  constructor(
    readonly errorName: ContractErrorName<typeof permit2ErrorAbi>,
    readonly args: readonly bigint[] = [],
  ) {
    super(errorName);
  }
}

const permit2: Contract = (state, { data }) => {
  const { functionName, args } = decodeFunctionData({ abi: permit2Abi, data });
  if (functionName === 'DOMAIN_SEPARATOR') return answer(bytesToHex(permit2Separator(state.network.chainId)));
  const [owner, position] = args;
  let bitmap = 0n;
  for (let bit = 0n; bit < 256n; bit++)
    if (state.used.has(useKey(owner, (position << 8n) | bit))) bitmap |= 1n << bit;
  return answer(toHex(bitmap, { size: 32 }));
};

function proxy(settle: (state: SimulatedState, data: Hex, block: Block) => Payment): Contract {
  return (state, call, block) => {
    const asked = proxyQuestions(call.to).findIndex(({ data }) => data === call.data);
    if (asked >= 0) return answer(asked === 0 ? word(PERMIT2) : witnessTypehash(call));
    try {
      return pay(state, settle(state, call.data, block), block);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { errorName, args } = error;
      return {
        success: false,
        data: encodeErrorResult({ abi: permit2ErrorAbi, errorName, args } as never),
        logs: [],
      };
    }
  };
}

function witnessTypehash({ to }: Call): Hex {
  return witnessTypehashes[
    sameHex(to, EXACT_PERMIT2_PROXY) ? EXACT_PERMIT2_PROXY : UPTO_PERMIT2_PROXY
  ] as Hex;
}

function settleExact(state: SimulatedState, data: Hex, { timestamp }: Block): Payment {
  const { chainId } = state.network;
  const { functionName, args } = decodeFunctionData({ abi: exactProxyAbi, data });
  const [signed, from, witness, signature] =
    functionName === 'settle' ? args : ([args[1], args[2], args[3], args[4]] as const);
  const permit = { ...signed, from, spender: EXACT_PERMIT2_PROXY, witness } as const;
  if (functionName === 'settleWithPermit') allow(state, permit, args[0], timestamp);
  return {
    permit,
    amount: signed.permitted.amount,
    digest: hashExactPermit(permit2Separator(chainId), permit),
    signature,
  };
}

/** Lets Permit2 move the token. A permit that fails stops nothing: it may have been used already, by anyone. */
function allow(
  state: SimulatedState,
  { from, permitted }: Permit2Authorization,
  permit2612: { readonly value: bigint; readonly deadline: bigint; v: number; r: Hex; s: Hex },
  timestamp: bigint,
): void {
  const { value, deadline, v, r, s } = permit2612;
  if (value !== permitted.amount) throw new Refused('Permit2612AmountMismatch');
  if (!sameHex(permitted.token, state.network.usdc.address)) return;
  try {
    permitTokens(state, [from, PERMIT2, value, deadline, v, r, s], timestamp);
  } catch (error) {
    if (!(error instanceof Revert)) throw error;
  }
}

function settleUpto({ network: { chainId } }: SimulatedState, data: Hex, { sender }: Block): Payment {
  const { functionName, args } = decodeFunctionData({ abi: uptoProxyAbi, data });
  if (functionName !== 'settle') throw new Error('The simulated proxy knows settle only.');
  const [signed, amount, from, witness, signature] = args;
  if (amount > signed.permitted.amount) throw new Refused('AmountExceedsPermitted');
  if (!sameHex(sender, witness.facilitator)) throw new Refused('UnauthorizedFacilitator');
  const permit = { ...signed, from, spender: UPTO_PERMIT2_PROXY, witness } as const;
  return { permit, amount, digest: hashUptoPermit(permit2Separator(chainId), permit), signature };
}

function pay(
  state: SimulatedState,
  { permit, amount, digest, signature }: Payment,
  { timestamp }: Block,
): Applied {
  const { from, witness, deadline, nonce, permitted, spender } = permit;
  const { token } = permitted;
  if (timestamp < witness.validAfter) throw new Refused('PaymentTooEarly');
  if (timestamp > deadline) throw new Refused('SignatureExpired', [deadline]);
  if (state.used.has(useKey(from, nonce))) throw new Refused('InvalidNonce');
  requireSigned(state, from, digest, signature);
  const allowance = `${from}:${PERMIT2}`.toLowerCase();
  const allowed = state.allowances.get(allowance) ?? 0n;
  if (allowed < amount) throw new Revert('ERC20: transfer amount exceeds allowance');
  moveTokens(state, from, witness.to, amount);
  state.allowances.set(allowance, allowed - amount);
  state.used.add(useKey(from, nonce));
  const { validAfter, to } = witness;
  state.transfers.push({
    from,
    to,
    value: amount,
    validAfter,
    validBefore: deadline,
    nonce: toHex(nonce, { size: 32 }),
  });
  return { success: true, data: '0x', logs: proxyPaymentLogs({ proxy: spender, token, from, to, amount }) };
}

function requireSigned(state: SimulatedState, owner: Address, digest: Uint8Array, signature: Hex): void {
  const accepts = state.accounts.get(owner.toLowerCase());
  if (accepts && !accepts(bytesToHex(digest), signature)) throw new Refused('InvalidContractSignature');
  const signer = recoverAuthorizer(digest, signature);
  if (!accepts && !(signer && sameHex(signer, owner))) throw new Refused('InvalidSigner');
}

function answer(data: Hex): Applied {
  return { success: true, data, logs: [] };
}

function useKey(owner: Address, nonce: bigint): string {
  return `permit2:${owner}:${nonce}`.toLowerCase();
}
