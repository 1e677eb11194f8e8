import { pino, type Logger } from 'pino';

export type { Logger };

/** Fields that must never be written, wherever an object that holds them is logged. */
const secrets = [
  'authorization',
  'api_key',
  'secret_key',
  'token',
  'payment_token',
  'signature',
  'secret',
  'password',
];

/** JSON lines on stderr; stdout belongs to the command. */
export function createLogger(level: string, destination: NodeJS.WritableStream = process.stderr): Logger {
  const paths = secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino({ level, base: null, redact: { paths, censor: '[redacted]' } }, destination);
}
