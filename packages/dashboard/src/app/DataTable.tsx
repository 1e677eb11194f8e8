import {
  getCoreRowModel,
  getFilteredRowModel,
  getPaginationRowModel,
  getSortedRowModel,
  useReactTable,
  type ColumnDef,
  type Header,
  type SortingState,
  type Table,
} from '@tanstack/react-table';
import { useMemo, type ReactNode } from 'react';
import { Link, useSearchParams } from 'wouter';
import { csv, plain, type Kind } from './format.js';
import { saveFile } from './saveFile.js';
import { Value } from './Value.js';

export type Row = object;

/** A column: the member of a row that it shows. */
export interface Column {
  readonly key: string;
  readonly label: string;
  readonly kind?: Kind;
  /** Where the cell leads. */
  readonly link?: (row: never) => string;
  /** What stands in the cell instead of the value, as buttons; it is neither sorted nor exported. */
  readonly cell?: (row: never) => ReactNode;
}

interface TableOptions {
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly total?: number;
  readonly empty: string;
  /** Columns whose values are chosen from, to see their rows alone. */
  readonly filters?: readonly string[];
  /** Tells the tables of one page apart in its URL. */
  readonly name?: string;
}

const PAGE_SIZE = 25;
/** Fewer rows than these are read faster than a filter is typed. */
const FILTERED_FROM = 6;

/** A table that sorts, filters, pages and exports. What it shows is in the URL. */
export function DataTable(options: TableOptions): ReactNode {
  const { caption, columns, rows, total, empty, filters = [] } = options;
  const table = useTable(options);
  if (rows.length === 0) return <p className="muted">{empty}</p>;
  const { rows: shown } = table.getRowModel();
  const found = table.getFilteredRowModel().rows.length;
  return (
    <>
      <TableTools caption={caption} columns={columns} filters={filters} table={table} />
      <div className="scroll" tabIndex={0} role="region" aria-label={caption}>
        <table>
          <caption>
            {caption}: {found === rows.length ? found : `${found} of ${rows.length}`}
            {total !== undefined && total > rows.length && ` (the newest of ${total})`}
          </caption>
          <thead>
            <tr>
              {table.getFlatHeaders().map((header, index) => (
                <Head key={header.id} header={header} column={columns[index] as Column} />
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={row.id}>
                {columns.map((column) => (
                  <td key={column.key} className={alignment(column)}>
                    <Cell column={column} row={row.original} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {found === 0 && <p className="muted">Nothing fits the filter.</p>}
      <Pager table={table} />
    </>
  );
}

/** What a table shows, as it stands in the URL: `sort=-amount`, `q=weather`, `page=2`, each after the name of the table. */
function useView(name: string) {
  const [search, setSearch] = useSearchParams();
  const named = (part: string) => (name ? `${name}.${part}` : part);
  const get = (part: string) => search.get(named(part)) ?? '';
  const set = (part: string, value: string) =>
    setSearch(
      (before) => {
        const after = new URLSearchParams(before);
        if (value) after.set(named(part), value);
        else after.delete(named(part));
        if (part !== 'page') after.delete(named('page'));
        return after;
      },
      { replace: true },
    );
  return { get, set };
}

function useTable({ columns, rows, filters = [], name = '' }: TableOptions): Table<Row> {
  const { get, set } = useView(name);
  const by = get('sort');
  const sorting: SortingState = by ? [{ id: by.replace(/^-/, ''), desc: by.startsWith('-') }] : [];
  const columnFilters = filters.flatMap((id) => (get(id) ? [{ id, value: get(id) }] : []));
  const lastPage = Math.max(0, Math.ceil(rows.length / PAGE_SIZE) - 1);
  const pageIndex = Math.min(lastPage, Math.max(0, (Number(get('page')) || 1) - 1));
  const defs = useMemo(() => columns.map(columnDef), [columns]);
  const data = useMemo(() => [...rows], [rows]);
  const getRowId = useMemo(() => rowIds(data), [data]);
  return useReactTable({
    data,
    columns: defs,
    getRowId,
    state: { sorting, globalFilter: get('q'), columnFilters, pagination: { pageIndex, pageSize: PAGE_SIZE } },
    onSortingChange: (change) => {
      const [first] = typeof change === 'function' ? change(sorting) : change;
      set('sort', first ? `${first.desc ? '-' : ''}${first.id}` : '');
    },
    onColumnFiltersChange: (change) => {
      const after = typeof change === 'function' ? change(columnFilters) : change;
      for (const id of filters) set(id, String(after.find((filter) => filter.id === id)?.value ?? ''));
    },
    onGlobalFilterChange: (text: string) => set('q', text),
    onPaginationChange: (change) => {
      const pagination = { pageIndex, pageSize: PAGE_SIZE };
      const after = typeof change === 'function' ? change(pagination) : change;
      set('page', after.pageIndex === 0 ? '' : String(after.pageIndex + 1));
    },
    autoResetPageIndex: false,
    globalFilterFn: (row, id, text: string) =>
      String(row.getValue(id)).toLowerCase().includes(text.toLowerCase()),
    getCoreRowModel: getCoreRowModel(),
    getFilteredRowModel: getFilteredRowModel(),
    getSortedRowModel: getSortedRowModel(),
    getPaginationRowModel: getPaginationRowModel(),
  });
}

/** A row is known by its id wherever it moves, so that what is asked in it stays about it; by its place where ids are not unique. */
function rowIds(rows: readonly Row[]): (row: Row, index: number) => string {
  const ids = rows.map((row) => (row as { id?: unknown }).id);
  const unique = ids.every((id) => typeof id === 'string') && new Set(ids).size === ids.length;
  return (_, index) => (unique ? String(ids[index]) : String(index));
}

const valueOf = (row: Row, { key }: Column) => (row as Record<string, unknown>)[key];

function columnDef(column: Column): ColumnDef<Row> {
  return {
    id: column.key,
    accessorFn: (row) => plain(valueOf(row, column)),
    enableSorting: column.cell === undefined,
    filterFn: 'equalsString',
    sortingFn: (a, b) => compare(valueOf(a.original, column), valueOf(b.original, column)),
  };
}

function Cell({ column, row }: { column: Column; row: Row }): ReactNode {
  const { kind = 'text', link, cell } = column;
  if (cell) return cell(row as never);
  const shown = <Value value={valueOf(row, column)} kind={kind} />;
  return link ? <Link href={link(row as never)}>{shown}</Link> : shown;
}

const alignment = ({ kind }: Column) => (kind === 'money' || kind === 'number' ? 'amount' : undefined);

/** Numbers, money and times by size, everything else as text; what is missing comes last. */
function compare(a: unknown, b: unknown): number {
  const [left, right] = [a, b].map((value) => (value instanceof Date ? value.getTime() : value));
  if (left === right) return 0;
  if (left === null || left === undefined) return 1;
  if (right === null || right === undefined) return -1;
  if (typeof left === 'bigint' || typeof left === 'number') return left < (right as never) ? -1 : 1;
  return plain(left).localeCompare(plain(right));
}

function Head({ header, column }: { header: Header<Row, unknown>; column: Column }): ReactNode {
  const { getCanSort, getIsSorted, getToggleSortingHandler } = header.column;
  if (!getCanSort()) return <th scope="col">{column.label}</th>;
  const sorted = getIsSorted();
  return (
    <th
      scope="col"
      className={alignment(column)}
      aria-sort={sorted === false ? 'none' : sorted === 'asc' ? 'ascending' : 'descending'}
    >
      <button className="sort" type="button" onClick={getToggleSortingHandler()}>
        {column.label}
        <span aria-hidden="true">{sorted === false ? '↕' : sorted === 'asc' ? '↑' : '↓'}</span>
      </button>
    </th>
  );
}

function TableTools({
  caption,
  columns,
  filters,
  table,
}: {
  caption: string;
  columns: readonly Column[];
  filters: readonly string[];
  table: Table<Row>;
}): ReactNode {
  const filter = String(table.getState().globalFilter);
  const exportCsv = () => {
    const exported = columns.filter(({ cell }) => cell === undefined);
    const rows = table
      .getSortedRowModel()
      .rows.map(({ original }) => exported.map((column) => plain(valueOf(original, column), true)));
    const labels = exported.map(({ label }) => label);
    const name = `${caption.toLowerCase().replaceAll(/\W+/g, '-')}.csv`;
    saveFile(name, new Blob([csv(labels, rows)], { type: 'text/csv' }));
  };
  return (
    <div className="row tools">
      {(filter !== '' || table.getCoreRowModel().rows.length >= FILTERED_FROM) && (
        <label>
          Filter
          <input
            type="search"
            value={filter}
            onChange={({ target }) => table.setGlobalFilter(target.value)}
          />
        </label>
      )}
      {columns
        .filter(({ key }) => filters.includes(key))
        .map((column) => (
          <Choice key={column.key} column={column} table={table} />
        ))}
      <button className="plain" type="button" onClick={exportCsv}>
        Export CSV
      </button>
    </div>
  );
}

/** Rows with one value of a column, or all of them. */
function Choice({ column: { key, label }, table }: { column: Column; table: Table<Row> }): ReactNode {
  const values = table.getCoreRowModel().rows.map((row) => String(row.getValue(key)));
  const column = table.getColumn(key);
  return (
    <label>
      {label}
      <select
        value={String(column?.getFilterValue() ?? '')}
        onChange={({ target }) => column?.setFilterValue(target.value)}
      >
        <option value="">all</option>
        {[...new Set(values)].sort().map((value) => (
          <option key={value}>{value}</option>
        ))}
      </select>
    </label>
  );
}

function Pager({ table }: { table: Table<Row> }): ReactNode {
  if (table.getPageCount() <= 1) return null;
  return (
    <nav className="row" aria-label="Pages of the table">
      <button
        className="plain"
        type="button"
        disabled={!table.getCanPreviousPage()}
        onClick={table.previousPage}
      >
        Back
      </button>
      <span>
        Page {table.getState().pagination.pageIndex + 1} of {table.getPageCount()}
      </span>
      <button className="plain" type="button" disabled={!table.getCanNextPage()} onClick={table.nextPage}>
        Next
      </button>
    </nav>
  );
}
