import type { Network } from '@agentpay/primitives';
import {
  AUTH_CAPTURE_ESCROW,
  bytesToHex,
  checksumAddress,
  domainSeparator,
  EXACT_PERMIT2_PROXY,
  permit2Separator,
  sameHex,
  UPTO_PERMIT2_PROXY,
  type Address,
  type DigestSigner,
} from '@agentpay/protocol';
import {
  isProxy,
  operatorQuestions,
  permit2SeparatorCall,
  proxyQuestions,
  readTokenDomain,
  tokenDomainCalls,
  type CallResult,
  type Chain,
} from '@agentpay/evm';
import type { EscrowSettings, ServedToken } from '../../schemes/Scheme.js';

/** What a chain was proved to hold. */
export interface ProvedChain {
  readonly assets: readonly ServedToken[];
  /** Permit2 and both x402 proxies. */
  readonly permit2: boolean;
}

/**
 * Makes sure that a node is on the network, and its tokens are what they are said to be.
 * @throws Error with one sentence when chain id, a token or Multicall3 are not as expected
 */
export async function proveChain(
  chain: Chain,
  network: Network,
  assets?: readonly Address[],
): Promise<ProvedChain> {
  const actual = await chain.chainId();
  if (actual !== network.chainId) {
    throw new Error(
      `The RPC node at RPC_URL is on chain ${actual}, not on ${network.name} (${network.chainId}).`,
    );
  }
  const addresses = (assets ?? [network.usdc.address]).map(checksumAddress);
  const tokens = await Promise.all(addresses.map((address) => proveToken(chain, network, address)));
  return { assets: tokens, permit2: await hasPermit2(chain, network) };
}

async function proveToken(chain: Chain, { chainId, usdc }: Network, address: Address): Promise<ServedToken> {
  const [separator, ...named] = (await chain.read(tokenDomainCalls(address))) as [
    CallResult,
    ...CallResult[],
  ];
  const eip712 = sameHex(address, usdc.address) ? usdc.eip712 : readTokenDomain(named);
  const expected = eip712 && domainSeparator({ ...eip712, chainId, verifyingContract: address });
  if (!expected || !separator.success || !sameHex(separator.data, bytesToHex(expected))) {
    const name = eip712?.name ?? 'a token with EIP-3009';
    throw new Error(
      `The contract at ${address} is not ${name}: its DOMAIN_SEPARATOR differs from the expected one.`,
    );
  }
  return { address, eip712 };
}

/**
 * Makes sure that the operator is our contract, in front of the escrow.
 * @throws Error with one sentence when it is not
 */
export async function proveEscrow(
  chain: Chain,
  { chainId }: Network,
  { operator, authorizer }: { readonly operator: Address; readonly authorizer?: DigestSigner | undefined },
): Promise<EscrowSettings> {
  const [escrow, separator] = (await chain.read(operatorQuestions(operator))) as [CallResult, CallResult];
  const name = 'x402 Auth Capture Operator';
  const expected = domainSeparator({ name, version: '1', chainId, verifyingContract: operator });
  const isOperator =
    escrow.success &&
    BigInt(escrow.data === '0x' ? 0 : escrow.data) === BigInt(AUTH_CAPTURE_ESCROW) &&
    separator.success &&
    sameHex(separator.data, bytesToHex(expected));
  if (!isOperator)
    throw new Error(
      `OPERATOR_ADDRESS is wrong: the contract at ${operator} is no AgreementOperator in front of the escrow.`,
    );
  return { operator: checksumAddress(operator), authorizer: authorizer?.address };
}

async function hasPermit2(chain: Chain, { chainId }: Network): Promise<boolean> {
  const proxies: readonly Address[] = [EXACT_PERMIT2_PROXY, UPTO_PERMIT2_PROXY];
  const [separator, ...results] = await chain.read([
    permit2SeparatorCall(),
    ...proxies.flatMap(proxyQuestions),
  ]);
  const isPermit2 =
    separator?.success === true && sameHex(separator.data, bytesToHex(permit2Separator(chainId)));
  return isPermit2 && proxies.every((proxy, i) => isProxy(proxy, results.slice(2 * i, 2 * i + 2)));
}
