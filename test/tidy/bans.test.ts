import { bans } from './bans.js';
import { isShipped, linesOf, paths } from './sources.js';

// The bans quote what they ban.
const searched = paths.filter((path) => !path.startsWith('test/tidy/bans.'));

describe('bans', () => {
  it('look at the whole repository', () => {
    expect(searched.filter(isShipped).length).toBeGreaterThan(50);
    expect(searched).toEqual(
      expect.arrayContaining([
        'AGENTS.md',
        'pnpm-lock.yaml',
        'test/run.mjs',
        'packages/primitives/src/Clock.ts',
      ]),
    );
  });

  describe.each(bans)('$name', ({ pattern, instead, where, catches, passes }) => {
    it('is what the pattern means', () => {
      expect(catches.filter((line) => !pattern.test(line))).toEqual([]);
      expect(passes.filter((line) => pattern.test(line))).toEqual([]);
    });

    it('stands nowhere', () => {
      const found = searched.filter(where).flatMap((path) => linesOf(path, pattern));
      expect(found.map((place) => `${place}: write ${instead}`)).toEqual([]);
    });
  });
});
