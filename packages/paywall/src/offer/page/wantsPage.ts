import type { IncomingMessage } from 'node:http';

/** Whether a person's browser asks: it opens the URL and prefers HTML to everything else (RFC 9110 section 12.5.1). */
export function wantsPage({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  const { accept } = headers;
  if (!accept?.includes('text/html') || (method !== 'GET' && method !== 'HEAD')) return false;
  const html = qualityOf(accept, 'text/html');
  return (
    html > 0 &&
    ['application/problem+json', 'application/json'].every((json) => qualityOf(accept, json) < html)
  );
}

/** The weight that an Accept header gives a media type, 0 to 1; the most specific range counts. */
function qualityOf(accept: string, type: string): number {
  const ranges = accept
    .toLowerCase()
    .split(',')
    .map((range) => {
      const [name = '', ...parameters] = range.split(';').map((part) => part.trim());
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return { name, weight: weight === undefined ? 1 : Number(weight) || 0 };
    });
  for (const name of [type, `${type.split('/', 1)[0]}/*`, '*/*']) {
    const range = ranges.find((given) => given.name === name);
    if (range) return range.weight;
  }
  return 0;
}
