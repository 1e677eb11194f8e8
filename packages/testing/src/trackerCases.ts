import type { Tracker } from '@agentpay/primitives';

/** A tracker under test, empty. */
export interface TrackerSubject {
  readonly tracker: Tracker;
  close(): Promise<void>;
}

/** What every {@link Tracker} does. */
export function trackerCases(name: string, make: () => Promise<TrackerSubject>): void {
  describe(`Tracker: ${name}`, () => {
    let subject: TrackerSubject;
    let tracker: Tracker;
    beforeEach(async () => {
      subject = await make();
      tracker = subject.tracker;
    });
    afterEach(() => subject.close());

    const reserve = (tokenId: string, deadlineMs: number) =>
      tracker.track({ tokenId, state: 'reserved', deadlineMs });
    const due = (nowMs: number, limit = 100) => tracker.due({ nowMs, limit, leaseMs: 1000 });

    it('calls the first redeem first, later ones replayed, and a token it never saw unknown', async () => {
      await reserve('a', 10);
      expect(await tracker.redeem('a')).toBe('first');
      expect(await tracker.redeem('a')).toBe('replayed');
      expect(await tracker.redeem('b')).toBe('unknown');
    });

    it.each(['redeemed', 'in_flight', 'accepted'])(
      'calls the redeem of a token tracked as %s replayed',
      async (state) => {
        await tracker.track({ tokenId: 'a', state, deadlineMs: 10 });
        expect(await tracker.redeem('a')).toBe('replayed');
      },
    );

    it('does not let a late reserved make a used token redeemable again or move its deadline', async () => {
      await reserve('a', 10);
      await tracker.redeem('a');
      await tracker.track({ tokenId: 'a', state: 'in_flight', deadlineMs: 500 });
      await reserve('a', 10);
      expect(await tracker.redeem('a')).toBe('replayed');
      expect(await due(499)).toEqual([]);
      expect(await due(500)).toEqual(['a']);
    });

    it('keeps the deadline of a token that is redeemed', async () => {
      await reserve('a', 10);
      await tracker.redeem('a');
      expect(await due(10)).toEqual(['a']);
    });

    it('finds what fell due, longest waiting first, up to the limit', async () => {
      await reserve('c', 30);
      await reserve('a', 10);
      await reserve('b', 20);
      await reserve('later', 31);
      expect(await due(9)).toEqual([]);
      expect(await due(30, 2)).toEqual(['a', 'b']);
      expect(await due(30, 2)).toEqual(['c']);
      expect(await due(30, 2)).toEqual([]);
    });

    it('hands a token out again when its lease has ended, behind those that waited longer', async () => {
      await reserve('a', 10);
      await reserve('b', 20);
      expect(await tracker.due({ nowMs: 10, limit: 10, leaseMs: 50 })).toEqual(['a']);
      expect(await due(59)).toEqual(['b']);
      expect(await due(60)).toEqual(['a']);
    });

    it('ends the lease of a token that is tracked anew', async () => {
      await reserve('a', 10);
      await due(10);
      await tracker.track({ tokenId: 'a', state: 'in_flight', deadlineMs: 20 });
      expect(await due(20)).toEqual(['a']);
    });

    it('forgets', async () => {
      await reserve('a', 10);
      await reserve('b', 10);
      await due(10, 1);
      await tracker.forget('a');
      await tracker.forget('b');
      await tracker.forget('never seen');
      expect(await tracker.redeem('a')).toBe('unknown');
      expect(await due(10_000)).toEqual([]);
    });

    it('gives first to one of 50 concurrent redeems', async () => {
      await reserve('a', 10);
      const hints = await Promise.all(Array.from({ length: 50 }, () => tracker.redeem('a')));
      expect(hints.filter((hint) => hint === 'first')).toHaveLength(1);
      expect(hints.filter((hint) => hint === 'replayed')).toHaveLength(49);
    });

    it('hands each of 500 tokens to one of 20 concurrent callers', async () => {
      const ids = Array.from({ length: 500 }, (_, i) => `t${i}`);
      await Promise.all(ids.map((id, i) => reserve(id, i)));
      const handed = await Promise.all(Array.from({ length: 20 }, () => due(1000, 25)));
      expect(handed.flat().sort()).toEqual(ids.sort());
    });
  });
}
