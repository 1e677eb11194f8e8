import * as z from 'zod';
import { fromBase64, nullable, parseShape, toBase64 } from '../encoding/Json.js';
import { addressSchema, signatureSchema } from '../evm/Hex.js';

/** Name of the extension by which a payer comes back, and the header that it comes in (CAIP-122, EIP-4361). */
export const SIGN_IN_WITH_X = 'sign-in-with-x';
export const SIGN_IN_HEADER = 'SIGN-IN-WITH-X';

// One line each: text with line breaks could pose as other lines of the message.
const line = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must be one line');
const time = line(64).refine((text) => Number.isFinite(Date.parse(text)), 'must be a time');

const signInSchema = nullable({
  domain: line(255),
  address: addressSchema,
  statement: line(1000).optional(),
  uri: line(2048),
  version: z.literal('1'),
  chainId: z.string().regex(/^eip155:[1-9]\d{0,15}$/, 'must be a CAIP-2 id of an EVM chain'),
  type: z.literal('eip191'),
  nonce: z.string().regex(/^[A-Za-z0-9]{8,128}$/, 'must be 8 to 128 letters and digits'),
  issuedAt: time,
  expirationTime: time.optional(),
  notBefore: time.optional(),
  requestId: line(255).optional(),
  resources: z.array(line(2048)).max(16).optional(),
  signature: signatureSchema,
});

/** A signed message by which an account says who it is. */
export type SignIn = z.infer<typeof signInSchema>;

export const encodeSignIn = (value: SignIn): string => toBase64(value);

/** Reads a `SIGN-IN-WITH-X` header. @throws AgentPayError `payment_malformed` */
export function decodeSignIn(header: string): SignIn {
  return parseShape(signInSchema, fromBase64(header), SIGN_IN_HEADER);
}

/** The text that the account signed (EIP-4361). */
export function signInMessage(signIn: Omit<SignIn, 'signature' | 'type'>): string {
  const { domain, address, statement, resources } = signIn;
  const named = {
    URI: signIn.uri,
    Version: signIn.version,
    'Chain ID': signIn.chainId.slice('eip155:'.length),
    Nonce: signIn.nonce,
    'Issued At': signIn.issuedAt,
    'Expiration Time': signIn.expirationTime,
    'Not Before': signIn.notBefore,
    'Request ID': signIn.requestId,
  };
  const lines = Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  return [
    `${domain} wants you to sign in with your Ethereum account:`,
    address,
    '',
    ...(statement ? [statement] : []),
    '',
    ...lines,
    ...(resources ? ['Resources:', ...resources.map((resource) => `- ${resource}`)] : []),
  ].join('\n');
}

interface SignInOffer {
  readonly info: Pick<
    SignIn,
    'domain' | 'uri' | 'version' | 'nonce' | 'issuedAt' | 'expirationTime' | 'statement' | 'resources'
  >;
  /** CAIP-2 ids. */
  readonly chains: readonly string[];
}

const NEEDED = ['domain', 'address', 'uri', 'version', 'chainId', 'type', 'nonce', 'issuedAt', 'signature'];

/** What a seller declares in its 402. */
export function signInDeclaration({ info, chains }: SignInOffer) {
  return {
    info,
    supportedChains: chains.map((chainId) => ({ chainId, type: 'eip191' })),
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: Object.fromEntries(NEEDED.map((name) => [name, { type: 'string' }])),
      required: NEEDED,
    },
  };
}
