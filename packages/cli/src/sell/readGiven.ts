import { readFileSync } from 'node:fs';
import { usageFault } from '@agentpay/http/commands';

/** Reads a file that the user named. @throws CommandFault */
export function readGiven(file: string, most: number): string {
  try {
    const text = readFileSync(file, 'utf8');
    if (text.length <= most) return text;
  } catch (cause) {
    throw usageFault(`${file} cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown fault'}).`);
  }
  throw usageFault(`${file} is longer than ${most} characters.`);
}
