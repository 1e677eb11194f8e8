import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import { spawned, spawnNode } from './spawned.js';

describe('a spawned process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'agentpay-spawned-'));
  const script = join(folder, 'script.mjs');
  afterAll(() => rmSync(folder, { recursive: true }));

  it('gives its lines, written before or after one asked for them', async () => {
    writeFileSync(
      script,
      `console.log('port', process.env.PORT); setTimeout(() => console.error('late', process.argv[2]), 100);`,
    );
    const child = spawnNode(script, { env: { PORT: '81' }, args: ['x'] });
    expect((await child.line(/^late (.)$/))[1]).toBe('x');
    expect((await child.line(/^port (\d+)$/))[1]).toBe('81');
    expect(await child.ended).toEqual({ code: 0, signal: null });
  });

  it('fails the wait for a line when it ends or takes too long', async () => {
    writeFileSync(script, `console.log('only this'); process.exitCode = 3;`);
    const ending = spawnNode(script);
    await expect(ending.line(/another/)).rejects.toThrow('only this');
    expect(await ending.ended).toEqual({ code: 3, signal: null });
    writeFileSync(script, `setInterval(() => {}, 1000);`);
    const staying = spawnNode(script);
    await expect(staying.line(/another/, 50)).rejects.toThrow('within 50 ms');
    await staying.kill();
    expect(await staying.ended).toEqual({ code: null, signal: 'SIGKILL' });
    await staying.kill();
  });

  it('says so when the command does not exist', async () => {
    const child = spawned('no-such-command-here', []);
    await expect(child.line(/x/)).rejects.toThrow('ENOENT');
  });
});

describe('eventually', () => {
  it('gives the first result that does not throw', async () => {
    let calls = 0;
    const result = await eventually(() => {
      if (++calls < 3) throw new Error('not yet');
      return calls;
    });
    expect(result).toBe(3);
  });

  it('throws the last error when the time is over', async () => {
    await expect(eventually(() => Promise.reject(new Error('never')), 30)).rejects.toThrow('never');
  });
});
