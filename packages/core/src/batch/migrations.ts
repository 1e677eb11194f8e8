import type { Migration } from '@agentpay/primitives';

/** What the statement of a batch needs of the database. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/batch-1',
    sql: `
create function batch_expect(actual bigint, expected bigint) returns boolean language plpgsql as $$
begin
  if actual <> expected then
    raise exception 'rows changed meanwhile: % of % are as they were', actual, expected using errcode = 'AP001';
  end if;
  return true;
end
$$;
`,
  },
];
