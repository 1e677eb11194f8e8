import type { RequestListener } from 'node:http';
import type { PaywallOptions } from '@agentpay/paywall';
import type { Prices } from './prices.js';

/** What every kind of shop sells by. */
export interface ShopOptions {
  /** Who is paid, how, and who hears of it. */
  readonly selling: PaywallOptions;
  readonly price: string | undefined;
  readonly prices: Prices;
  readonly timeoutMs: number;
  /** One line of what went wrong. */
  readonly log: (line: string) => void;
}

/** What is sold, ready to be listened for. */
export interface Shop {
  readonly handle: RequestListener;
  /** Rejects with a sentence when the facilitator does not settle what is sold. */
  ready(): Promise<void>;
  /** What it costs, in the order of the table. */
  readonly listed: readonly { readonly name: string; readonly price: string }[];
  /** Where buyers begin. */
  readonly path: string;
  /** Resolves with a sentence when what is sold cannot go on. */
  readonly ended?: Promise<string>;
  close(): Promise<void>;
}
