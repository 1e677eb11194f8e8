import { aroundCalls, ChainError, type Chain, type FeeGauge } from '@agentpay/evm';
import type { Clock } from '@agentpay/primitives';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MinedTransaction } from '../engine/sending/MinedTransaction.js';

/** What the facilitator counts of itself, in the text format of Prometheus. */
export interface Metrics {
  /** One response to `/verify` or `/settle`. `result` is `valid`, `settled`, or the code of the refusal. */
  answered(operation: 'verify' | 'settle', result: string, seconds: number): void;
  mined(transaction: MinedTransaction): void;
  nodeCall(method: string, result: string, seconds: number): void;
  /** The media type and the text. Figures that cannot be had now are left out. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface MetricsOptions {
  /** Ether of each signer account, in wei. */
  readonly balances?: () => Promise<ReadonlyMap<string, bigint>>;
  readonly fees?: Pick<FeeGauge, 'asked'>;
  readonly queue?: () => Promise<{
    readonly claimed: number;
    readonly sent: number;
    readonly oldestSeconds: number;
  }>;
  /** Adds the figures of the process: CPU, memory, event loop. */
  readonly process?: boolean;
}

const PREFIX = 'agentpay_facilitator_';
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * The metrics of a facilitator, for `createApp`.
 * @example
 * ```ts
 * import { createMetrics } from '@agentpay/facilitator';
 *
 * const metrics = createMetrics({ process: true });
 * metrics.answered('settle', 'settled', 0.41);
 * console.log((await metrics.render()).text);
 * ```
 */
export function createMetrics({ balances, fees, queue, process = false }: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const responses = responseFigures(registers);
  const transactions = transactionFigures(registers);
  const nodes = nodeFigures(registers);
  if (process) collectDefaultMetrics({ register: registry, prefix: PREFIX });
  if (queue) queueGauges(registers, queue);
  if (balances) balanceGauge(registers, balances);
  if (fees) feeGauge(registers, fees);

  return {
    answered(operation, result, took) {
      responses.count.inc({ operation, result });
      responses.seconds.observe({ operation }, took);
    },
    mined({ success, gasUsed, payments }) {
      transactions.count.inc({ result: success ? 'success' : 'reverted' });
      if (payments === 0) return;
      transactions.batch.observe(payments);
      transactions.gas.observe(Number(gasUsed) / payments);
    },
    nodeCall(method, result, took) {
      nodes.count.inc({ method, result });
      nodes.seconds.observe({ method }, took);
    },
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

function responseFigures(registers: Registry[]) {
  const count = new Counter({
    name: `${PREFIX}responses_total`,
    help: 'Responses by result.',
    labelNames: ['operation', 'result'],
    registers,
  });
  const seconds = new Histogram({
    name: `${PREFIX}response_seconds`,
    help: 'Time to respond.',
    labelNames: ['operation'],
    buckets: SECONDS,
    registers,
  });
  return { count, seconds };
}

function transactionFigures(registers: Registry[]) {
  const count = new Counter({
    name: `${PREFIX}transactions_total`,
    help: 'Transactions that got into a block.',
    labelNames: ['result'],
    registers,
  });
  const batch = new Histogram({
    name: `${PREFIX}batch_payments`,
    help: 'Payments carried by a transaction.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200],
    registers,
  });
  const gas = new Histogram({
    name: `${PREFIX}payment_gas`,
    help: 'Gas of a transaction divided by its payments.',
    registers,
    buckets: [30_000, 40_000, 50_000, 60_000, 70_000, 80_000, 100_000, 150_000, 300_000, 1_000_000],
  });
  return { count, batch, gas };
}

function nodeFigures(registers: Registry[]) {
  const count = new Counter({
    name: `${PREFIX}node_calls_total`,
    help: 'Calls of the RPC node by result.',
    labelNames: ['method', 'result'],
    registers,
  });
  const seconds = new Histogram({
    name: `${PREFIX}node_call_seconds`,
    help: 'Time of calls of the RPC node.',
    labelNames: ['method'],
    buckets: SECONDS,
    registers,
  });
  return { count, seconds };
}

function queueGauges(registers: Registry[], queue: NonNullable<MetricsOptions['queue']>): void {
  const depth: Gauge = new Gauge({
    name: `${PREFIX}queue_settlements`,
    help: 'Unfinished settlements by state, of all replicas.',
    labelNames: ['state'],
    registers,
    async collect() {
      depth.reset();
      const now = await queue().catch(() => undefined);
      if (!now) return;
      depth.set({ state: 'claimed' }, now.claimed);
      depth.set({ state: 'sent' }, now.sent);
    },
  });
  const oldest: Gauge = new Gauge({
    name: `${PREFIX}queue_oldest_seconds`,
    help: 'Age of the oldest unfinished settlement, of all replicas.',
    registers,
    async collect() {
      oldest.remove();
      const now = await queue().catch(() => undefined);
      if (now) oldest.set(now.oldestSeconds);
    },
  });
}

function balanceGauge(registers: Registry[], balances: NonNullable<MetricsOptions['balances']>): void {
  const gauge: Gauge = new Gauge({
    name: `${PREFIX}signer_balance_ether`,
    help: 'Ether of a signer account.',
    labelNames: ['signer'],
    registers,
    async collect() {
      gauge.reset();
      for (const [signer, wei] of await balances().catch(() => new Map<string, bigint>()))
        gauge.set({ signer }, Number(wei) / 1e18);
    },
  });
}

function feeGauge(registers: Registry[], { asked }: Pick<FeeGauge, 'asked'>): void {
  const gauge: Gauge = new Gauge({
    name: `${PREFIX}fee_gwei`,
    help: 'What a new transaction would offer for a unit of gas.',
    registers,
    async collect() {
      gauge.remove();
      const now = await asked().catch(() => undefined);
      if (now) gauge.set(Number(now.maxFeePerGas) / 1e9);
    },
  });
}

/**
 * The chain, with each call counted and timed.
 * @example
 * ```ts
 * import { viemChain } from '@agentpay/evm';
 * import { createMetrics, measuredChain } from '@agentpay/facilitator';
 * import { systemClock } from '@agentpay/primitives';
 *
 * const metrics = createMetrics();
 * const chain = measuredChain(viemChain({ rpcUrl: 'https://sepolia.base.org' }), systemClock, metrics);
 * console.log(await chain.block());
 * ```
 */
export function measuredChain(chain: Chain, clock: Clock, metrics: Pick<Metrics, 'nodeCall'>): Chain {
  return aroundCalls(chain, async (method, _args, call) => {
    const started = clock.now();
    const end = (result: string) => metrics.nodeCall(method, result, (clock.now() - started) / 1000);
    try {
      const value = await call();
      end('ok');
      return value;
    } catch (error) {
      end(error instanceof ChainError ? error.kind : 'failed');
      throw error;
    }
  });
}
