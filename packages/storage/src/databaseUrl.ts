/**
 * What is wrong with the URL of a PostgreSQL database, as the end of a sentence; undefined when nothing is.
 * Accepted: `postgresql://user:password@host:port/database`, and for a Unix socket `postgresql://user:password@/database?host=/folder`.
 */
export function databaseUrlFault(url: string): string | undefined {
  if (/\s/.test(url)) return 'has blanks in it; write a blank in a password as %20';
  const [, user = '', rest = ''] = /^postgres(?:ql)?:\/\/([^@/]*@)?(.*)$/s.exec(url) ?? [];
  if (rest === '') return 'must be a URL that starts with postgres:// or postgresql://';
  const socket = rest.startsWith('/');
  // The URL class takes no user in front of an empty host; the driver does.
  const whole = socket ? `postgres://${user}socket${rest}` : `postgres://${user}${rest}`;
  if (!URL.canParse(whole))
    return 'must be a URL; write special characters of the password as %40 for "@", %2F for "/", %23 for "#"';
  const { pathname, searchParams } = new URL(whole);
  if (socket && !searchParams.get('host')) return 'names no host; for a Unix socket add ?host=/folder';
  if (pathname.length < 2) return 'names no database; it goes after the port, as in …:5432/agentpay';
  return undefined;
}
