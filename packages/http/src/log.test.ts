import { Writable } from 'node:stream';
import { createLogger } from './log.js';

describe('createLogger', () => {
  it('never writes keys, tokens or signatures, at the top or inside', () => {
    let written = '';
    const log = createLogger(
      'info',
      new Writable({ write: (chunk, _encoding, done) => ((written += String(chunk)), done()) }),
    );
    const secrets = {
      authorization: 'S1',
      api_key: 'S2',
      secret_key: 'S3',
      token: 'S4',
      payment_token: 'S5',
      signature: 'S6',
      privateKey: 'S7',
      payload: 'S8',
    };
    log.info({ ...secrets, headers: secrets, request: { headers: secrets }, agent: 'agent_1' }, 'seen');
    expect(written).toContain('agent_1');
    expect(written).toContain('[redacted]');
    expect(written).not.toMatch(/S[1-8]/);
  });
});
