import type { Random } from '@agentpay/primitives';
import type { ApiNode } from './apiNode.js';
import { steps, take, type Shop, type Step } from './shop.js';

const WORKERS = 24;
/** Far more than a worker gets to before a storm is ended. */
const MAX_SALES = 1_000;

/** One token in a storm: how far its buyer and seller know it to have come. */
export interface Sale {
  tokenId?: string;
  signed?: string;
  /** The last step that was answered with success. */
  reached?: Step;
  /** The step whose answer never came: it may have happened or not. */
  lost?: Step;
  /** The status of a refused step. */
  refused?: number;
  /** As call-completed answered it. */
  paymentId?: string;
}

/**
 * Many buyers and sellers at work at once, each token taken step by step over nodes drawn at random. One sale in
 * four is left lying at a random step.
 * @param options.nodes those to be asked, live: a node that is killed is to be taken out
 * @param options.onAsk called with the node before each request to it
 * @param options.onResponse called with the number of answers so far, at each of them
 * @param options.signal ends the storm after the requests under way
 */
export async function storm(
  shop: Shop,
  {
    nodes,
    random,
    onAsk,
    onResponse,
    signal,
  }: {
    nodes: ApiNode[];
    random: Random;
    onAsk: (node: ApiNode) => void;
    onResponse: (count: number) => void;
    signal: AbortSignal;
  },
): Promise<Sale[]> {
  const sales: Sale[] = [];
  let responses = 0;

  async function sell(sale: Sale, plan: readonly Step[]): Promise<void> {
    for (const step of plan) {
      const node = pick(random, nodes);
      if (signal.aborted || !node) return;
      onAsk(node);
      const response = await take(step, node, shop, sale);
      if (!response) {
        sale.lost = step;
        return;
      }
      onResponse(++responses);
      if (response.status >= 300) {
        sale.refused = response.status;
        return;
      }
      sale.reached = step;
      if (step === 'call-completed') sale.paymentId = response.body['payment_id'];
    }
  }

  async function work(): Promise<void> {
    for (let n = 0; n < MAX_SALES && !signal.aborted; n++) {
      const length = below(random, 4) === 0 ? 1 + below(random, 4) : steps.length;
      const sale: Sale = {};
      sales.push(sale);
      await sell(sale, steps.slice(0, length));
    }
  }

  await Promise.all(Array.from({ length: WORKERS }, work));
  return sales;
}

/** A whole number from 0 to below `limit`, which is at most 256. */
export function below(random: Random, limit: number): number {
  return (random.bytes(1)[0] as number) % limit;
}

function pick<T>(random: Random, values: readonly T[]): T | undefined {
  return values[below(random, values.length)];
}
