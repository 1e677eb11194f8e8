import * as z from 'zod';
import { parseShape } from '../encoding/Json.js';
import { addressSchema, uint256Schema, type Address, type Hex } from '../evm/Hex.js';
import type { TokenPermit } from '../evm/Erc2612.js';

/**
 * Extension of x402 v2 by which a payer without gas pays by Permit2: an EIP-2612 permit that lets Permit2 move the token travels with the
 * payment, and whoever settles brings it to the chain in the same transaction.
 */
export const EIP2612_GAS_SPONSORING = 'eip2612GasSponsoring';
export const GAS_SPONSORING_VERSION = '1';

/** The payer's part of the extension. Numbers are decimal text. */
export const gasSponsoringSchema = z.object({
  from: addressSchema,
  asset: addressSchema,
  spender: addressSchema,
  amount: uint256Schema,
  nonce: uint256Schema,
  deadline: uint256Schema,
  /** r, s and v. */
  signature: z.custom<Hex>((text) => typeof text === 'string' && /^0x[0-9a-fA-F]{130}$/.test(text)),
  version: z.string().regex(/^[0-9]+(\.[0-9]+)*$/),
});

export type GasSponsoring = z.infer<typeof gasSponsoringSchema>;
type Extensions = Readonly<Record<string, unknown>>;

/** Whether a seller says that whoever settles for it brings permits to the chain. */
export function offersGasSponsoring(extensions: unknown): boolean {
  const declared = (extensions as Extensions | null | undefined)?.[EIP2612_GAS_SPONSORING];
  return typeof declared === 'object' && declared !== null;
}

/** What a seller declares whose facilitator does so. */
export function declareGasSponsoring(): Extensions {
  const description = 'EIP-2612 permits for Permit2 are brought to the chain together with the payment.';
  const text = { type: 'string' };
  const members = Object.keys(gasSponsoringSchema.shape);
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: Object.fromEntries(members.map((name) => [name, text])),
    required: members,
  };
  return { [EIP2612_GAS_SPONSORING]: { info: { description, version: GAS_SPONSORING_VERSION }, schema } };
}

/** The payer's part, for a permit of the token at `asset`. */
export function gasSponsoringOf(
  { owner, spender, value, nonce, deadline }: TokenPermit,
  { asset, signature }: { readonly asset: Address; readonly signature: Hex },
): GasSponsoring {
  return {
    from: owner,
    asset,
    spender,
    amount: value.toString(),
    nonce: nonce.toString(),
    deadline: deadline.toString(),
    signature,
    version: GAS_SPONSORING_VERSION,
  };
}

/** The extensions of a payment: those of the seller as it wrote them, and the payer's part added to its own. */
export function withGasSponsoring(declared: unknown, sponsoring: GasSponsoring): Extensions {
  const extensions = (declared ?? {}) as Extensions;
  const own = (extensions[EIP2612_GAS_SPONSORING] ?? {}) as Extensions;
  const info = (own['info'] ?? {}) as Extensions;
  const { version = sponsoring.version } = info;
  return { ...extensions, [EIP2612_GAS_SPONSORING]: { ...own, info: { ...info, ...sponsoring, version } } };
}

/** The payer's part in the extensions of a payment; undefined when there is none. @throws AgentPayError `payment_malformed` */
export function gasSponsoringIn(extensions: Extensions | undefined): GasSponsoring | undefined {
  const extension = extensions?.[EIP2612_GAS_SPONSORING] as { readonly info?: Extensions } | null | undefined;
  // A payer that leaves the permit out echoes what the seller declared.
  if (extension?.info?.['signature'] === undefined) return undefined;
  return parseShape(gasSponsoringSchema, extension.info, EIP2612_GAS_SPONSORING);
}
