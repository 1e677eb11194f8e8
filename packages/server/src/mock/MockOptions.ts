import { findNetwork, isAgentPayError, parsePrice, type Network } from '@agentpay/primitives';
import { addressSchema, type Address } from '@agentpay/protocol';
import { dialects, type SellerDialect } from '../dialects.js';
import { faultNames, isFault, type Fault } from './faults.js';

/** What `agentpay mock` was asked for. A request may choose another price and fault in its query. */
export interface MockOptions {
  readonly port: number;
  readonly price: string;
  readonly network: Network;
  readonly payTo: Address;
  readonly dialects: readonly SellerDialect[];
  readonly fault: Fault;
  /** How slow `slow` is. */
  readonly delayMs: number;
}

/** Texts of the flags as they came from the command line. */
export interface MockFlags {
  readonly port?: string;
  readonly price?: string;
  readonly network?: string;
  readonly payTo?: string;
  readonly dialects?: string;
  readonly fault?: string;
  readonly delay?: string;
}

/** A flag or a query that cannot be used, in one sentence. */
export class MockFault extends Error {
  override readonly name = 'MockFault';
}

/** Nobody has the key of this address. */
const PAY_TO: Address = '0x000000000000000000000000000000000000dEaD';

/** Reads the flags. @throws MockFault naming the flag and the value */
export function readMockOptions(flags: MockFlags): MockOptions {
  const network = findNetwork(flags.network ?? 'base-sepolia');
  if (!network)
    throw new MockFault(
      `--network must be "base-sepolia", "base" or their CAIP-2 id, not "${flags.network}".`,
    );
  const payTo = addressSchema.safeParse(flags.payTo ?? PAY_TO);
  if (!payTo.success) throw new MockFault(`--pay-to must be an address, not "${flags.payTo}".`);
  return {
    port: readWhole('--port', flags.port ?? '4020', 65_535),
    price: readPriceText('--price', flags.price ?? '$0.01'),
    network,
    payTo: payTo.data,
    dialects: readDialects(flags.dialects ?? dialects.join(',')),
    fault: readFault('--fault', flags.fault ?? 'none'),
    delayMs: readWhole('--delay', flags.delay ?? '5000', 60_000),
  };
}

/** @throws MockFault */
export function readPriceText(where: string, text: string): string {
  try {
    parsePrice(text);
    return text;
  } catch (error) {
    if (!isAgentPayError(error)) throw error;
    throw new MockFault(`${where} must be a price such as "$0.01": ${error.message}`);
  }
}

/** @throws MockFault */
export function readFault(where: string, text: string): Fault {
  if (isFault(text)) return text;
  throw new MockFault(`${where} must be one of ${faultNames.join(', ')}, not "${text}".`);
}

function readDialects(text: string): SellerDialect[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(dialects as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new MockFault(`--dialects must be a list of ${dialects.join(', ')}, not "${unknown}".`);
  return names as SellerDialect[];
}

function readWhole(flag: string, text: string, max: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : -1;
  if (value < 0 || value > max)
    throw new MockFault(`${flag} must be a whole number from 0 to ${max}, not "${text}".`);
  return value;
}
