import { Writable } from 'node:stream';
import { createPublicClient, http } from 'viem';
import { createLogger, faultOf, plain } from './log.js';

const signature = `0x${'ab'.repeat(65)}`;

function logTo(lines: string[]) {
  return createLogger(
    'info',
    new Writable({ write: (chunk, _encoding, done) => (lines.push(String(chunk)), done()) }),
  );
}

describe('the log', () => {
  it('never writes signatures, payloads or keys, at the top or inside', () => {
    const lines: string[] = [];
    const secrets = {
      signature: 'S1',
      payload: { x: 'S2' },
      raw: 'S3',
      privateKey: 'S4',
      password: 'S5',
      authorization: 'S6',
    };
    logTo(lines).info({ ...secrets, request: secrets, one: { two: secrets }, payer: 'somebody' }, 'seen');
    expect(lines.join('')).toContain('somebody');
    expect(lines.join('')).toContain('[redacted]');
    expect(lines.join('')).not.toMatch(/S[1-6]/);
  });

  it('says of a fault neither the URL of the node nor the request, which the library quotes', async () => {
    const client = createPublicClient({
      transport: http('http://127.0.0.1:9/v2/provider-key', { retryCount: 0 }),
    });
    const fault = await client
      .call({ to: `0x${'11'.repeat(20)}`, data: signature as `0x${string}` })
      .catch((error: unknown) => error);
    expect(String(fault)).toContain('provider-key');
    expect(String(fault)).toContain(signature.slice(2, 60));
    const lines: string[] = [];
    logTo(lines).error(
      { fault: faultOf(new Error('outer', { cause: fault })) },
      plain((fault as Error).message),
    );
    expect(lines.join('')).toContain('CallExecutionError');
    expect(lines.join('')).not.toContain('provider-key');
    expect(lines.join('')).not.toContain(signature.slice(2, 60));
  });

  it('keeps hashes and addresses, which are public', () => {
    expect(
      plain(`sent 0x${'12'.repeat(32)} to postgres://user:pass@db/x, signed ${signature}\nand more`),
    ).toBe(`sent 0x${'12'.repeat(32)} to [url] signed [hex]`);
  });

  it('takes a fault that is none, and one that causes itself', () => {
    expect(faultOf('x')).toEqual({ name: 'Unknown', message: 'x' });
    const circle = new Error('round');
    circle.cause = circle;
    expect(JSON.stringify(faultOf(circle)).length).toBeLessThan(2_000);
  });
});
