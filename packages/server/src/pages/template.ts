import { text } from './html.js';

/** Text that is HTML already. */
export interface Html {
  readonly html: string;
}

type Part = string | number | Html | undefined | readonly Part[];

/** A template whose values are escaped, unless they are {@link Html} themselves. Lists are joined, undefined is nothing. */
export function html(texts: TemplateStringsArray, ...values: readonly Part[]): Html {
  const parts = texts.map((part, i) => part + (i < values.length ? shown(values[i]) : ''));
  return { html: parts.join('') };
}

function shown(value: Part): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map(shown).join('');
  if (typeof value === 'object') return (value as Html).html;
  return text(String(value));
}
