import { limitPerTurn } from './limitPerTurn.js';

const turnOfTheLoop = () => new Promise((resolve) => setImmediate(resolve));

describe('the limitPerTurn', () => {
  it('lets so many go on in a turn, and the others in the order of their coming', async () => {
    const pass = limitPerTurn(2);
    const gone: number[] = [];
    const all = [1, 2, 3, 4, 5].map((caller) => pass().then(() => gone.push(caller)));
    await Promise.resolve();
    expect(gone).toEqual([1, 2]);
    await turnOfTheLoop();
    expect(gone).toEqual([1, 2, 3, 4]);
    await Promise.all(all);
    expect(gone).toEqual([1, 2, 3, 4, 5]);
  });

  it('holds nobody up who comes alone', async () => {
    const pass = limitPerTurn(1);
    for (let i = 0; i < 3; i++) {
      let gone = false;
      void pass().then(() => (gone = true));
      await Promise.resolve();
      expect(gone).toBe(true);
      await turnOfTheLoop();
    }
  });
});
