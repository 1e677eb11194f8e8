import { paymentNetworks, type PaymentNetwork } from '@agentpay/primitives';
import { addressSchema, caip2Schema, checksumAddress } from '@agentpay/protocol';
import { z } from 'zod';

/** A network on which wallets pay, with the RPC node that is asked about it. */
export interface ConfiguredNetwork {
  readonly network: PaymentNetwork;
  readonly rpcUrl: string;
}

const httpUrl = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:/.test(text), 'must be an http(s) URL');

/** A network that is not in the table. */
const entrySchema = z.strictObject({
  id: caip2Schema.regex(/^eip155:\d{1,15}$/, 'must be of an EVM chain, as eip155:8453'),
  name: z.string().regex(/^[a-z0-9-]{1,40}$/, 'must be lower-case letters, digits and hyphens'),
  title: z.string().min(1).max(60).optional(),
  chainId: z.number().int().positive(),
  mainnet: z.boolean().default(true),
  asset: z.string().regex(/^[A-Z0-9]{2,12}$/, 'must be the symbol of the asset'),
  contract: addressSchema,
  // Limits count micro-units, whatever the asset.
  decimals: z.literal(6, 'must be 6: limits count micro-units, whatever the asset'),
  eip712: z.strictObject({ name: z.string().min(1).max(64), version: z.string().min(1).max(16) }),
  transfer: z.enum(['eip3009', 'permit2']).default('eip3009'),
  explorer: httpUrl,
  rpcUrl: httpUrl,
});

/**
 * The networks of `RPC_URLS` (`base=https://..., base-sepolia=https://...`) and of `PAYMENT_NETWORKS`, a JSON array of entries
 * `{id, name, chainId, asset, contract, decimals, eip712, transfer?, explorer, rpcUrl}`.
 * @returns the networks, or a sentence about the first fault
 */
export function readNetworks(
  rpcUrls: readonly string[],
  entries: string | undefined,
): ConfiguredNetwork[] | string {
  const found: ConfiguredNetwork[] = [];
  for (const pair of rpcUrls) {
    const at = pair.indexOf('=');
    const [name, rpcUrl] = [pair.slice(0, Math.max(at, 0)).trim(), pair.slice(at + 1).trim()];
    const network = paymentNetworks.find((one) => one.name === name || one.id === name);
    if (!network) {
      const known = paymentNetworks.map((one) => one.name).join(', ');
      return `RPC_URLS must be pairs such as base=https://mainnet.base.org; it knows ${known}.`;
    }
    if (!httpUrl.safeParse(rpcUrl).success) return `RPC_URLS gives ${name} no http(s) URL.`;
    found.push({ network, rpcUrl });
  }
  const written = entries === undefined ? [] : readEntries(entries);
  if (typeof written === 'string') return written;
  const all = [...found, ...written];
  for (const key of ['id', 'name'] as const)
    if (new Set(all.map(({ network }) => network[key])).size !== all.length)
      return 'RPC_URLS and PAYMENT_NETWORKS name a network twice.';
  return all;
}

function readEntries(text: string): ConfiguredNetwork[] | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return 'PAYMENT_NETWORKS is not JSON.';
  }
  const read = z.array(entrySchema).max(32).safeParse(json);
  if (!read.success) {
    const [issue] = read.error.issues;
    return `PAYMENT_NETWORKS is wrong at ${issue?.path.join('.') || 'its start'}: ${issue?.message}.`;
  }
  const mismatch = read.data.find(({ id, chainId }) => id !== `eip155:${chainId}`);
  if (mismatch) return `PAYMENT_NETWORKS: ${mismatch.id} has another chainId.`;
  return read.data.map(({ rpcUrl, asset, contract, decimals, eip712, transfer, title, ...network }) => ({
    rpcUrl,
    network: {
      ...network,
      id: network.id as PaymentNetwork['id'],
      title: title ?? network.name,
      explorer: network.explorer.replace(/\/+$/, ''),
      asset: { address: checksumAddress(contract), symbol: asset, decimals, eip712, transfer },
    },
  }));
}
