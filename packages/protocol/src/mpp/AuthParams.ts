/** One challenge of a `WWW-Authenticate` value; parameter names in lower case. */
export interface RawChallenge {
  readonly scheme: string;
  readonly params: Readonly<Record<string, string>>;
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const QUOTED = /"((?:[^"\\]|\\[^])*)"/y;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=\s*(?:,|$))/y;
const SEPARATOR = /[\s,]*/y;
const EQUALS = /[ \t]*=[ \t]*/y;
const SPACES = /[ \t]+/y;

/**
 * Reads a `WWW-Authenticate` value with any number of challenges (RFC 9110 section 11.6.1). A challenge that repeats a parameter is left
 * out, and reading stops where the grammar ends.
 */
export function parseChallenges(header: string): RawChallenge[] {
  const cursor = new Cursor(header);
  const found: { scheme: string; params: Record<string, string>; valid: boolean }[] = [];
  for (cursor.take(SEPARATOR); !cursor.done; cursor.take(SEPARATOR)) {
    const word = cursor.take(TOKEN);
    if (word === undefined) break;
    if (cursor.take(EQUALS) === undefined) {
      found.push({ scheme: word, params: Object.create(null) as Record<string, string>, valid: true });
      cursor.take(SPACES);
      skipToken68(cursor);
      continue;
    }
    const value = cursor.quoted() ?? cursor.take(TOKEN);
    const challenge = found.at(-1);
    if (value === undefined || !challenge) break;
    const name = word.toLowerCase();
    if (name in challenge.params) challenge.valid = false;
    challenge.params[name] = value;
  }
  return found.filter(({ valid }) => valid).map(({ scheme, params }) => ({ scheme, params: { ...params } }));
}

/** Writes one challenge; absent parameters are left out. @throws RangeError when a value holds a line break or another control character */
export function formatChallenge(
  scheme: string,
  params: Readonly<Record<string, string | undefined>>,
): string {
  const written = Object.entries(params).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${quote(value)}"`],
  );
  return `${scheme} ${written.join(', ')}`;
}

// Header values are Latin-1 on the wire: other characters are written as \uXXXX, as the reference implementation does.
function quote(value: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value))
    throw new RangeError('A challenge parameter must not hold control characters.');
  return value
    .replace(/["\\]/g, '\\$&')
    .replace(/[^\t\u0020-\u007e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function unquote(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([^]))/g, (_, code: string | undefined, char: string) =>
    code === undefined ? char : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

// A scheme may carry a token68 ("Basic abc==") in place of parameters. "realm=" at the same place begins a parameter.
function skipToken68(cursor: Cursor): void {
  cursor.take(TOKEN68);
}

class Cursor {
  private at = 0;
  constructor(private readonly text: string) {}

  get done(): boolean {
    return this.at >= this.text.length;
  }
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (!match) return undefined;
    this.at = pattern.lastIndex;
    return match[0];
  }
  quoted(): string | undefined {
    const raw = this.take(QUOTED);
    return raw === undefined ? undefined : unquote(raw.slice(1, -1));
  }
}
