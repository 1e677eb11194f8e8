import type { ApiClient } from '@agentpay/sdk';
import { everything } from '../api.js';
import type { Column, Row } from '../DataTable.js';
import type { Field } from '../FormField.js';
import type { Kind } from '../format.js';
import type { Params } from '../Screen.js';

type Page<Member extends string> = { readonly [Name in Member]: readonly Row[] } & {
  readonly total?: number;
};

/** A table of what a list has under `member`, page by page; a list without `total` comes as a whole. */
export function listed<Member extends string>(
  member: Member,
  load: (
    api: ApiClient,
    query: { limit: number; offset: number },
    params: Record<string, string>,
  ) => Promise<Page<Member>>,
) {
  return (api: ApiClient, params: Params) =>
    everything(async (query) => {
      const page = await load(api, query, params as Record<string, string>);
      const rows = page[member];
      return { rows, total: page.total ?? rows.length };
    });
}

/** A column by its name on the wire: `created_at` is "Created at". */
export function column(key: string, kind: Kind = kindOf(key), link?: Column['link']): Column {
  const label = key
    .replaceAll('_', ' ')
    .replace(/ usdc$/, ' (USDC)')
    .replace(/^desc$/, 'description');
  return { key, label: label.charAt(0).toUpperCase() + label.slice(1), kind, ...(link && { link }) };
}

function kindOf(key: string): Kind {
  if (key === 'status') return 'status';
  if (/_at$|^at$/.test(key)) return 'time';
  if (/amount|_usdc$|price|balance|fee$/.test(key)) return 'money';
  return /(^|_)id$|address|hash/.test(key) ? 'code' : 'text';
}

export const columns = (...keys: readonly string[]): Column[] => keys.map((key) => column(key));

/** A column whose cells lead to the page of what they name. */
export function linked(key: string, base: string, by = key): Column {
  return column(key, kindOf(key), (row: Record<string, string>) => `${base}/${row[by]}`);
}

/** Of the evidence of a dispute, which can be a whole file: when and by whom it was given is named so. */
export const evidenceOf = (at: string, by: string): readonly Column[] => [
  { ...column(at, 'time'), label: 'Given' },
  column(by),
  column('type'),
  column('content', 'long'),
];

/** What a form asks for evidence. */
export const evidenceFields: readonly Field[] = [
  { name: 'type', label: 'Type', initial: 'log_excerpt' },
  { name: 'content', label: 'Content', type: 'lines', optional: true },
  { name: 'file', label: 'Or a file', type: 'file', optional: true },
];
