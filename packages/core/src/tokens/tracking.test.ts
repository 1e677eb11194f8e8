import { manualClock } from '@agentpay/primitives';
import type { Tracker } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { dueTokens, redeemHint, track } from './tracking.js';
import type { Token } from './Token.js';

const token = { id: 'tokid_1', state: 'reserved', deadline: new Date(10) } as Token;

function coreWith(tracker: Partial<Tracker>) {
  const clock = manualClock(0);
  return { clock, core: { clock, ports: { tracker } } as unknown as Core };
}

describe('a tracker', () => {
  it('that hangs holds an operation up for 250 ms and no longer', async () => {
    const { clock, core } = coreWith({
      track: () => new Promise(() => undefined),
      redeem: () => new Promise(() => undefined),
    });
    const done: string[] = [];
    const tracking = track(core, token).then(() => done.push('track'));
    const asking = redeemHint(core, 'tokid_1').then((hint) => done.push(hint));
    clock.advance(249);
    await Promise.resolve();
    expect(done).toEqual([]);
    clock.advance(1);
    await Promise.all([tracking, asking]);
    expect(done).toEqual(['track', 'unknown']);
  });

  it('that rejects or throws changes nothing', async () => {
    const { core } = coreWith({
      track: () => Promise.reject(new Error('away')),
      redeem: () => {
        throw new Error('broken');
      },
      due: () => Promise.reject(new Error('away')),
    });
    await track(core, token);
    expect(await redeemHint(core, 'tokid_1')).toBe('unknown');
    expect(await dueTokens(core, { limit: 1, leaseMs: 1 })).toEqual([]);
  });

  it('is told to forget a token that can no longer change', async () => {
    const told: unknown[] = [];
    const { core } = coreWith({
      track: async (tracked) => void told.push(tracked),
      forget: async (id) => void told.push(id),
    });
    await track(core, token);
    await track(core, { ...token, state: 'expired', deadline: null });
    expect(told).toEqual([{ tokenId: 'tokid_1', state: 'reserved', deadlineMs: 10 }, 'tokid_1']);
  });
});
