import { sleep, systemClock } from '@agentpay/primitives';
import { stopSignals } from '@agentpay/http';
import { readWhole, type Called } from '@agentpay/http/commands';
import { apiPlace, clientWith } from './apiPlace.js';

const EVERY_MS = 1_000;
const PAGE = 100;
/** Entries that are remembered as told; more than a page, so that none is told twice. */
const MOST_TOLD = 1_000;

/**
 * `agentpay logs tail`: the audit log of the API, the last entries and then each that comes.
 * @returns the exit code: 0 when it is told to stop. @throws CommandFault, ApiError
 */
export async function tailLogs({ flags, around }: Called): Promise<number> {
  const lines = readWhole('--lines', flags['lines'], 10, PAGE);
  const place = apiPlace(flags, around);
  const { audit } = clientWith(place, place.keys['admin'] === undefined ? 'runtime' : 'admin');
  const filter = {
    ...(flags['act'] !== undefined && { act: String(flags['act']) }),
    ...(flags['subject'] !== undefined && { subject: String(flags['subject']) }),
  };
  const stopping = new AbortController();
  if (flags['follow'] !== false) void stopSignals().first.then(() => stopping.abort());
  const told = new Set<string>();
  let isFirst = true;
  while (!stopping.signal.aborted) {
    const { entries } = await audit.list({ ...filter, limit: PAGE });
    const fresh = entries.filter(({ id }) => !told.has(id));
    for (const { id } of fresh) told.add(id);
    for (const id of told) if (told.size > MOST_TOLD) told.delete(id);
    // Newest first on the wire, newest last on a terminal.
    const shown = (isFirst ? fresh.slice(0, lines) : fresh).reverse();
    for (const entry of shown) around.print(flags['json'] ? JSON.stringify(entry) : lineOf(entry));
    isFirst = false;
    if (flags['follow'] === false) return 0;
    await sleep(systemClock, EVERY_MS, stopping.signal);
  }
  return 0;
}

function lineOf(entry: { at: Date; act: string; subject: string; credential_id: string | null }): string {
  return `${entry.at.toISOString()}  ${entry.act.padEnd(24)}  ${entry.subject}  by ${entry.credential_id ?? 'nobody'}`;
}
