import {
  EXACT_PERMIT2_PROXY,
  exactPermitTypedData,
  fromPermit2Authorization,
  gasSponsoringOf,
  PERMIT2,
  permitTypedData,
  UPTO_PERMIT2_PROXY,
  uptoPermitTypedData,
  withGasSponsoring,
  type Address,
  type FacilitatorRequest,
  type Hex,
  type Permit2Authorization,
  type TokenPermit,
  type UptoWitness,
} from '@agentpay/protocol';
import { gasPayer, network, nowSeconds, payer, randomNonce, seller, type Bed } from './payment.fixture.js';

type Permit = Permit2Authorization<UptoWitness>;

export interface PermitOptions {
  readonly scheme?: 'exact' | 'upto';
  readonly account?: typeof payer;
  /** What the payer signs, but for the rest. */
  readonly permit?: Partial<Omit<Permit, 'witness'>>;
  readonly witness?: Partial<UptoWitness>;
  readonly signature?: Hex;
  /** The permit of the token that travels along, but for the rest; absent: none does. */
  readonly allowance?: Partial<TokenPermit>;
  /** What the seller requires, but for the rest. */
  readonly requirements?: Readonly<Record<string, unknown>>;
  /** What the payer says it accepted, but for what is required. */
  readonly accepted?: Readonly<Record<string, unknown>>;
  readonly resource?: string;
}

/** Lets Permit2 move the money of these accounts, and gives them some. */
export function openPermit2({ chain }: Bed, ...accounts: readonly Address[]): void {
  chain.deployPermit2();
  for (const account of accounts) {
    chain.mint(account, 1_000_000n);
    chain.approve(account, PERMIT2, 2n ** 160n);
  }
}

/** A payment by Permit2 that a facilitator takes, but for what the options change. */
export async function permitRequest(options: PermitOptions = {}): Promise<FacilitatorRequest> {
  const { scheme = 'exact', account = payer, resource = 'https://seller.example/paid' } = options;
  const permit: Permit = {
    from: account.address,
    permitted: { token: network.usdc.address, amount: 10_000n },
    spender: scheme === 'exact' ? EXACT_PERMIT2_PROXY : UPTO_PERMIT2_PROXY,
    nonce: BigInt(randomNonce()),
    deadline: nowSeconds() + 300n,
    ...options.permit,
    witness: { to: seller, validAfter: 0n, facilitator: gasPayer.address, ...options.witness },
  };
  const paymentRequirements = {
    scheme,
    network: network.id,
    amount: '10000',
    asset: network.usdc.address,
    payTo: seller,
    maxTimeoutSeconds: 300,
    extra: { assetTransferMethod: 'permit2' },
    ...options.requirements,
  };
  const payload = {
    signature: options.signature ?? (await sign(account, scheme, permit)),
    permit2Authorization: wire(scheme, permit),
  };
  const accepted = { ...paymentRequirements, ...options.accepted };
  const extensions = options.allowance && (await sponsored(account, permit, options.allowance));
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, resource: { url: resource }, accepted, payload, extensions },
    paymentRequirements,
  };
}

/** The extension by which the payer leaves the gas to whoever settles. */
async function sponsored(account: typeof payer, permit: Permit, changed: Partial<TokenPermit>) {
  const { usdc, chainId } = network;
  const domain = { ...usdc.eip712, chainId, verifyingContract: usdc.address };
  const { amount: value } = permit.permitted;
  const { deadline } = permit;
  const of = { owner: account.address, spender: PERMIT2, value, nonce: 0n, deadline } as const;
  const allowance: TokenPermit = { ...of, ...changed };
  const signature = await account.signTypedData(permitTypedData(domain, allowance));
  return withGasSponsoring(undefined, gasSponsoringOf(allowance, { asset: usdc.address, signature }));
}

function sign(account: typeof payer, scheme: 'exact' | 'upto', permit: Permit): Promise<Hex> {
  if (scheme === 'upto') return account.signTypedData(uptoPermitTypedData(network.chainId, permit));
  return account.signTypedData(exactPermitTypedData(network.chainId, permit));
}

function wire(scheme: 'exact' | 'upto', permit: Permit) {
  if (scheme === 'upto') return fromPermit2Authorization(permit);
  const { to, validAfter } = permit.witness;
  return fromPermit2Authorization({ ...permit, witness: { to, validAfter } } as Permit2Authorization);
}
