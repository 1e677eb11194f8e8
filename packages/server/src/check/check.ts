import { systemClock, type Clock } from '@agentpay/primitives';
import { CommandFault, type Called } from '@agentpay/http/commands';
import { asker } from './asker.js';
import { checks, statusCheck, type Check, type CheckedSeller, type CheckVerdict } from './checks.js';
import { indexer, stockClient } from './reach.js';
import { readResponse } from './Reading.js';

/** One line of the report. */
export interface Finding extends CheckVerdict {
  readonly check: string;
}

/** What was found at a URL; `ok`: nothing failed. */
export interface CheckReport {
  readonly url: string;
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

/** Something in the call that its user can put right, in one sentence. */
export class CheckFault extends CommandFault {
  override readonly name = 'CheckFault';

  constructor(code: 'usage' | 'no_response', message: string) {
    super(code, message, { exitCode: 2 });
  }
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * `agentpay check`: whether a paid URL, of whatever make, does what buyers, browsers and caches rely on. It pays nothing.
 * @returns the exit code: 0 nothing failed, 1 something did
 * @throws CheckFault when the URL cannot be checked
 */
export async function check({ args: [address = ''], flags, around }: Called): Promise<number> {
  const report = await checkUrl(address, flags['method'] as string | undefined);
  around.print(flags['json'] ? JSON.stringify(report, null, 2) : table(report).trimEnd());
  return report.ok ? 0 : 1;
}

interface Dependencies {
  readonly clock?: Clock;
  readonly fetch?: typeof globalThis.fetch;
}

/** Checks a URL without payment. @throws CheckFault for a URL or method that cannot be asked, and when nobody answers at all */
export async function checkUrl(
  address: string,
  method = 'GET',
  dependencies: Dependencies = {},
): Promise<CheckReport> {
  const { clock = systemClock, fetch = globalThis.fetch } = dependencies;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new CheckFault('usage', `agentpay check needs an http or https URL, not "${address}".`);
  if (!METHODS.includes(method))
    throw new CheckFault('usage', `--method must be one of ${METHODS.join(', ')}, not "${method}".`);
  const ask = asker(url, method, fetch);
  const first = await ask().catch((error: unknown) => {
    throw new CheckFault('no_response', `${url.href} gives no response: ${causeOf(error)}.`);
  });
  const subject: CheckedSeller = { url, method, ask, first, readings: readResponse(first, clock.now()) };
  const findings: Finding[] = [];
  for (const { id, run } of first.status === 402
    ? [statusCheck, ...checks, stockClient, indexer]
    : [statusCheck]) {
    findings.push({ check: id, ...(await judge(run, subject)) });
  }
  return { url: url.href, ok: findings.every(({ verdict }) => verdict !== 'fail'), findings };
}

async function judge(run: Check['run'], subject: CheckedSeller): Promise<CheckVerdict> {
  try {
    return await run(subject);
  } catch (error) {
    // Retries would hide what is being looked for: a seller that goes silent has failed.
    return { verdict: 'fail', reason: `There is no response: ${causeOf(error)}.` };
  }
}

function causeOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code || message : message;
}

function table({ url, ok, findings }: CheckReport): string {
  const width = Math.max(...findings.map((finding) => finding.check.length));
  const lines = findings.map(
    ({ check: id, verdict, reason }) => `${verdict}  ${id.padEnd(width)}  ${reason}`,
  );
  const failed = findings.filter(({ verdict }) => verdict === 'fail').length;
  const passed = findings.filter(({ verdict }) => verdict === 'pass').length;
  const warned = findings.filter(({ verdict }) => verdict === 'warn').length;
  const counts = [ok ? '' : `${failed} failed`, warned > 0 ? `${warned} to look at` : '', `${passed} passed`];
  const end = `${counts.filter(Boolean).join(', ')}.`;
  return `${url}\n\n${lines.join('\n')}\n\n${end}\n`;
}
