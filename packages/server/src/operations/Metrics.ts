import { agreements, ledger, webhooks, type AroundBatch, type Core, type JobReport } from '@agentpay/core';
import { formatDecimal, type Clock } from '@agentpay/primitives';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What an instance counts of itself, in the text format of Prometheus. */
export interface ServerMetrics {
  /** A request that was answered, or whose caller went away (`aborted`). */
  requested(endpoint: string, status: string, seconds: number): void;
  /** Counts and times a run of a job. */
  job(name: string, work: () => Promise<JobReport>): Promise<JobReport>;
  /** Counts and times the writing of a batch. */
  readonly aroundBatch: AroundBatch;
  /** An attempt of a delivery to a webhook. */
  attempted(attempt: webhooks.Attempted, seconds: number): void;
  /** The media type and the text. Figures that the database does not give now are left out. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

const PREFIX = 'agentpay_api_';
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** @param options.core gives what the gauges read; asked when the figures are */
export function createMetrics({
  clock,
  core,
}: {
  clock: Pick<Clock, 'now'>;
  core: () => Core;
}): ServerMetrics {
  const registry = new Registry();
  const making: Making = {
    clock,
    registers: [registry],
    counter: (name, help, labelNames) =>
      new Counter({ name: PREFIX + name, help, labelNames, registers: making.registers }),
    histogram: (name, help, labelNames = [], buckets = SECONDS) =>
      new Histogram({ name: PREFIX + name, help, labelNames, buckets, registers: making.registers }),
  };
  storeGauges(making.registers, core);
  return {
    requested: requestMetrics(making),
    job: jobMetrics(making),
    aroundBatch: batchMetrics(making),
    attempted: attemptMetrics(making),
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

interface Making {
  readonly clock: Pick<Clock, 'now'>;
  readonly registers: Registry[];
  counter(name: string, help: string, labelNames: string[]): Counter;
  histogram(name: string, help: string, labelNames?: string[], buckets?: number[]): Histogram;
}

function requestMetrics({ counter, histogram }: Making): ServerMetrics['requested'] {
  const requests = counter('requests_total', 'Requests by endpoint and status.', ['endpoint', 'status']);
  const time = histogram('request_seconds', 'Time to answer.', ['endpoint']);
  return (endpoint, status, seconds) => {
    requests.inc({ endpoint, status });
    time.observe({ endpoint }, seconds);
  };
}

function jobMetrics({ counter, histogram, clock }: Making): ServerMetrics['job'] {
  const runs = counter('job_runs_total', 'Runs of jobs by result.', ['job', 'result']);
  const time = histogram('job_seconds', 'Time of runs of jobs.', ['job']);
  return async (job, work) => {
    const started = clock.now();
    try {
      const report = await work();
      runs.inc({ job, result: report.failures.length > 0 ? 'partly' : 'done' });
      return report;
    } catch (error) {
      runs.inc({ job, result: 'failed' });
      throw error;
    } finally {
      time.observe({ job }, secondsSince(started, clock));
    }
  };
}

function batchMetrics({ counter, histogram, clock }: Making): AroundBatch {
  const batches = counter('batches_total', 'Batches by result.', ['result']);
  const time = histogram('batch_seconds', 'Time to write a batch.');
  const sizes = histogram('batch_commands', 'Commands of a batch.', [], BATCH_SIZES);
  return async (commands, write) => {
    const started = clock.now();
    sizes.observe(commands);
    try {
      const written = await write();
      batches.inc({ result: 'written' });
      return written;
    } catch (error) {
      batches.inc({ result: 'failed' });
      throw error;
    } finally {
      time.observe(secondsSince(started, clock));
    }
  };
}

function attemptMetrics({ counter, histogram }: Making): ServerMetrics['attempted'] {
  const attempts = counter('webhook_attempts_total', 'Attempts of deliveries by result.', ['result']);
  const time = histogram('webhook_attempt_seconds', 'Time of an attempt.');
  const help = 'Attempts that an ended delivery took.';
  const taken = histogram('webhook_delivery_attempts', help, ['state'], [1, 2, 3, 5, 8]);
  return ({ state, attempts: made, status }, seconds) => {
    attempts.inc({ result: status === undefined ? 'no_response' : `${Math.floor(status / 100)}xx` });
    time.observe(seconds);
    if (state !== 'pending') taken.observe({ state }, made);
  };
}

function secondsSince(started: number, clock: Pick<Clock, 'now'>): number {
  return Math.max(0, clock.now() - started) / 1000;
}

type SetGauge = (labels: Record<string, string>, value: number) => void;

/** What the database tells, of all instances together. */
function storeGauges(registers: Registry[], core: () => Core): void {
  const gauge = (
    name: string,
    help: string,
    labelNames: string[],
    read: (set: SetGauge) => Promise<void>,
  ) => {
    const own: Gauge = new Gauge({
      name: PREFIX + name,
      help,
      labelNames,
      registers,
      async collect() {
        own.reset();
        await read((labels, value) => own.set(labels, value)).catch(() => own.reset());
      },
    });
  };
  gauge('open_holds', 'Open holds by what they reserve money for.', ['purpose', 'currency'], async (set) => {
    for (const { purpose, asset, holds } of await ledger.openHolds(core().db))
      set({ purpose, currency: asset }, holds);
  });
  gauge('held_amount', 'Money that open holds reserve.', ['purpose', 'currency'], async (set) => {
    for (const { purpose, asset, amount } of await ledger.openHolds(core().db))
      set({ purpose, currency: asset }, Number(formatDecimal(amount)));
  });
  gauge('agreements_stuck', 'Activations that wait for their transaction for too long.', [], async (set) =>
    set({}, await agreements.countStuck(core())),
  );
  gauge('webhook_deliveries_pending', 'Deliveries that wait for an attempt.', [], async (set) =>
    set({}, await webhooks.backlog(core())),
  );
  gauge('outbox_lag_seconds', 'Age of the oldest event that no delivery was made of yet.', [], async (set) =>
    set({}, (await webhooks.lagMs(core())) / 1000),
  );
}
