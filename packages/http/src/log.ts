import { pino, type Logger } from 'pino';

export type { Logger };

/** Members that must never be written, wherever an object that holds them is logged. */
const secrets = [
  'authorization',
  'api_key',
  'secret_key',
  'token',
  'payment_token',
  'signature',
  'secret',
  'password',
  'privateKey',
  'payload',
  'paymentPayload',
  'raw',
];

/** JSON lines on stderr; stdout belongs to the command. Keys, tokens and signatures do not get into them. */
export function createLogger(level: string, destination: NodeJS.WritableStream = process.stderr): Logger {
  const paths = secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino({ level, base: null, redact: { paths, censor: '[redacted]' } }, destination);
}

/** What may be logged of a fault. */
export interface LoggedFault {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  /** Where it was thrown, without its message. */
  readonly at?: readonly string[];
  readonly cause?: LoggedFault;
}

const MAX_CAUSES = 3;

/**
 * What is known of a fault but for what its text may quote: URLs, which hold the keys of node providers and databases, and long hex,
 * which may be a signature. Libraries put whole requests into their messages, so only the first line is kept.
 */
export function faultOf(thrown: unknown, depth = 0): LoggedFault {
  if (!(thrown instanceof Error)) return { name: 'Unknown', message: plain(String(thrown)) };
  const { code } = thrown as { code?: unknown };
  const at = (thrown.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 5)
    .map((line) => line.trim());
  return {
    name: thrown.name,
    message: plain(thrown.message),
    ...(typeof code === 'string' && { code }),
    ...(depth === 0 && { at }),
    ...(thrown.cause !== undefined && depth < MAX_CAUSES && { cause: faultOf(thrown.cause, depth + 1) }),
  };
}

/** The first line of a text, without URLs and long hex. */
export function plain(text: string): string {
  const [line = ''] = text.split('\n', 1);
  return line
    .slice(0, 500)
    .replace(/[a-z][a-z+.-]*:\/\/\S+/gi, '[url]')
    .replace(/(?:0x)?[0-9a-f]{65,}/gi, '[hex]');
}
