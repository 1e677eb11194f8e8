import { z } from 'zod';
import { ConfigError, readEnvironment, type Env } from './environment.js';
import { flag, hostName, list, logLevel, port, secret, urlOf, whole } from './readers.js';

const schema = z.object({
  PORT: port.optional(),
  HOST: hostName.optional(),
  LIMIT: whole(1, 10).optional(),
  SECRET: secret.optional(),
  SITE: urlOf('http:', 'https:').optional(),
  OPEN: flag.optional(),
  NODES: list.optional(),
  LOG_LEVEL: logLevel.optional(),
});
const read = (env: Env) => readEnvironment(schema, env, { NODES: 'NODE' });

function faults(env: Env): readonly string[] {
  try {
    read(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  throw new Error('It was accepted.');
}

describe('the environment of a process', () => {
  it('is read into values, and empty variables count as absent', () => {
    expect(
      read({
        PORT: '80',
        LIMIT: '',
        OPEN: 'true',
        NODE: ' a , b,',
        SITE: 'https://a.example',
        OTHER: 'ignored',
      }),
    ).toEqual({ PORT: 80, OPEN: true, NODES: ['a', 'b'], SITE: 'https://a.example' });
  });

  it.each([
    [{ PORT: '65536' }, 'PORT must be a whole number from 0 to 65535.'],
    [{ PORT: '1e3' }, 'PORT must be a whole number from 0 to 65535.'],
    [{ LIMIT: '0' }, 'LIMIT must be a whole number from 1 to 10.'],
    [{ HOST: 'a b' }, 'HOST must be a host name or an address.'],
    [{ SECRET: 'short' }, 'SECRET must have at least 32 characters.'],
    [{ SECRET: 'change-me-0123456789-0123456789-abc' }, 'SECRET is still the placeholder of an example.'],
    [{ SECRET: 'ab'.repeat(20) }, 'SECRET is too uniform to be a secret.'],
    [{ SITE: 'ftp://x' }, 'SITE must be a URL that starts with http:// or https://.'],
    [{ OPEN: 'yes' }, 'OPEN must be true or false.'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL must be a pino level.'],
  ])('%j is refused in one sentence, without the value', (env, sentence) => {
    expect(faults(env)).toEqual([sentence]);
  });

  it('has a fault for each variable, in the order of the schema, under the name that was written', () => {
    const aliased = z.object({ A: flag, NODES: list.pipe(z.array(z.string()).min(1, 'must name a node')) });
    expect(() => readEnvironment(aliased, { NODE: ',', A: 'x' }, { NODES: 'NODE' })).toThrow(
      'A must be true or false.\nNODE must name a node.',
    );
  });
});
