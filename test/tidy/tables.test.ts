import { isShipped, paths, read } from './sources.js';

/** Where a table is written by SQL, or described for `table()` to write. */
const WRITES = [
  /\b(?:insert into|delete from|truncate(?: table)?|(?<!for |key |do )update)\s+([a-z_]+)/gi,
  /\btable<[^>]*>\(\s*'([a-z_]+)'/g,
];
const CREATES = /\bcreate table (?:if not exists )?([a-z_]+)/gi;

/** The tables of the facilitator are created in one place; what writes each stands here. */
const facilitator: Record<string, string> = {
  facilitator_settlements: 'engine/SettlementStore.ts',
  facilitator_transactions: 'engine/SettlementStore.ts',
  facilitator_holds: 'engine/withHolds.ts',
  facilitator_grants: 'engine/prepaid.ts',
  facilitator_replicas: 'engine/sending/SignerAccounts.ts',
  facilitator_signers: 'engine/sending/SignerAccounts.ts',
  facilitator_gas: 'operations/SettlementBook.ts',
  facilitator_payment_ids: 'extensions/PaymentIdentifiers.ts',
  facilitator_resources: 'extensions/Catalogue.ts',
  facilitator_resource_payers: 'extensions/Catalogue.ts',
};
const FACILITATOR = 'packages/facilitator/src/';

// What a comment shows is written nowhere.
const files = paths
  .filter((path) => isShipped(path) && !/\.(fixture|test\.support)\.ts$/.test(path))
  .map((path) => ({ path, text: read(path).replaceAll(/^ *\*.*$/gm, '') }));
const isMigration = (path: string) => /\/migrations[^/]*\.ts$/.test(path);
const named = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, name = '']) => name.toLowerCase());

/** What a file may write is told by where it lies: in core by its slice, elsewhere by the file itself. */
const ownerOf = (path: string) => /^packages\/core\/src\/[^/]+\//.exec(path)?.[0] ?? path;

const created = files.flatMap(({ path, text }) => named(text, CREATES).map((name) => ({ path, name })));
const owners = new Map(
  created.map(({ path, name }) =>
    path.startsWith(FACILITATOR) ? [name, `${FACILITATOR}${facilitator[name]}`] : [name, ownerOf(path)],
  ),
);

describe('tables', () => {
  it('are each created once', () => {
    expect(owners.size).toBeGreaterThan(60);
    const names = created.map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
    const ofFacilitator = created.filter(({ path }) => path.startsWith(FACILITATOR));
    expect(ofFacilitator.map(({ name }) => name).sort()).toEqual(Object.keys(facilitator).sort());
  });

  it.each([
    ['core', 20],
    ['server', 2],
    ['facilitator', 10],
  ])('of %s are each written by their owner alone', (name, fewest) => {
    const owned = (table: string) => owners.get(table)?.startsWith(`packages/${name}/`);
    const writes = files
      .filter(({ path }) => !isMigration(path))
      .flatMap(({ path, text }) =>
        WRITES.flatMap((pattern) => named(text, pattern)).map((table) => ({ path, table })),
      )
      .filter(({ table }) => owned(table));
    expect(new Set(writes.map(({ table }) => table)).size).toBeGreaterThanOrEqual(fewest);
    expect(
      writes
        .filter(({ path, table }) => !path.startsWith(owners.get(table) as string))
        .map(({ path, table }) => `${path} writes ${table} of ${owners.get(table)}`),
    ).toEqual([]);
  });

  it('are found in SQL of either case', () => {
    const sql =
      'INSERT INTO wallets (id) values (1); Delete From holds; update agents set x; TRUNCATE parties';
    expect(WRITES.flatMap((pattern) => named(sql, pattern))).toEqual([
      'wallets',
      'holds',
      'agents',
      'parties',
    ]);
    expect(named('select 1 for update of agents; on conflict do update set a', WRITES[0] as RegExp)).toEqual(
      [],
    );
  });
});
