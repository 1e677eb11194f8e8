import type { Settlement } from '../Settlement.js';
import { createQueue } from './Queue.js';

const settlement = (id: string, nonce: string) =>
  ({ id, network: 'eip155:1', asset: '0xA', payer: '0xB', nonce }) as unknown as Settlement;

describe('the queue', () => {
  it('knows what waits by id and by key, whatever the case of the key', () => {
    const queue = createQueue();
    queue.enter(settlement('a', '0xAB'));
    queue.enter(settlement('b', '0xCD'));
    expect([queue.ids(), queue.has(settlement('?', '0xab')), queue.has(settlement('?', '0x1'))]).toEqual([
      ['a', 'b'],
      true,
      false,
    ]);
    queue.leave('a');
    queue.leave('unknown');
    expect([queue.ids(), queue.has(settlement('?', '0xAB'))]).toEqual([['b'], false]);
  });

  it('remembers a doubt until the settlement leaves', () => {
    const queue = createQueue();
    queue.enter(settlement('a', '0xAB'));
    queue.doubt(['a']);
    expect(queue.isInDoubt('a')).toBe(true);
    queue.leave('a');
    expect(queue.isInDoubt('a')).toBe(false);
  });
});
