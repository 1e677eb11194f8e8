import type { Core, requests } from '@agentpay/core';
import { createLogger } from '@agentpay/http';
import { manualClock, newId, systemRandom } from '@agentpay/primitives';
import { Writable } from 'node:stream';
import { requestLog } from './requestLog.js';

/** A database that takes statements or refuses them, and how many requests each would have written. */
function bed() {
  const clock = manualClock(1_700_000_000_000);
  const told: string[] = [];
  const written: number[] = [];
  const state = { down: false };
  const query = async (_sql: string, params: unknown[]): Promise<[]> => {
    if (state.down) throw new Error('the database is away');
    written.push((JSON.parse(params[0] as string) as unknown[]).length);
    return [];
  };
  const sink = new Writable({
    write(chunk, _encoding, done) {
      told.push(String(chunk));
      done();
    },
  });
  const core = { db: { query }, clock, random: systemRandom } as unknown as Core;
  const log = requestLog(core, createLogger('warn', sink));
  const note = (times: number) => {
    for (let n = 0; n < times; n++) log.note(request(newId('request', { clock, random: systemRandom })));
  };
  return { clock, told, written, state, log, note };
}

function request(id: string): requests.LoggedRequest {
  return {
    id,
    requestId: id,
    at: new Date(0),
    partyId: 'agent_1',
    credentialId: null,
    method: 'POST',
    path: '/v1/payments',
    endpoint: 'runtime.payments.create',
    status: 201,
    error: null,
    durationMs: 1,
    made: [],
    named: [],
  };
}

it('writes what was noted later, many requests by one statement, and once', async () => {
  const { log, note, written } = bed();
  note(1_500);
  expect(written).toEqual([]);
  await log.written();
  await log.written();
  expect(written).toEqual([1_000, 500]);
  note(1);
  await log.stop();
  expect(written).toEqual([1_000, 500, 1]);
});

it('keeps what could not be written for the next time, tells of it, and refuses no request over it', async () => {
  const { log, note, written, state, told } = bed();
  state.down = true;
  note(3);
  await log.written();
  expect([written, told.length]).toEqual([[], 1]);
  state.down = false;
  note(1);
  await log.written();
  expect(written).toEqual([4]);
});

it('holds so many and no more while the database is away, and tells how many were lost', async () => {
  const { log, note, written, state, told } = bed();
  state.down = true;
  note(20_007);
  await log.written();
  state.down = false;
  await log.written();
  expect(written.reduce((sum, count) => sum + count, 0)).toBe(20_000);
  expect(told.some((line) => line.includes('"lost":7'))).toBe(true);
});
