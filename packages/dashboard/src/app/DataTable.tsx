import {
  flexRender,
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
}

const PAGE_SIZE = 25;

/** A table that sorts, filters, pages and exports. What it shows is in the URL. */
export function DataTable({ caption, columns, rows, total, empty }: TableOptions): ReactNode {
  const table = useTable(columns, rows);
  if (rows.length === 0) return <p className="muted">{empty}</p>;
  const { rows: shown } = table.getRowModel();
  const found = table.getFilteredRowModel().rows.length;
  return (
    <>
      <TableTools caption={caption} columns={columns} table={table} />
      <div className="scroll" tabIndex={0} role="region" aria-label={caption}>
        <table>
          <caption>
            {caption}: {found === rows.length ? found : `${found} of ${rows.length}`}
            {total !== undefined && total > rows.length && ` (the newest of ${total})`}
          </caption>
          <thead>
            <tr>
              {table.getFlatHeaders().map((header) => (
                <Head key={header.id} header={header} />
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={row.id}>
                {row.getVisibleCells().map((cell) => (
                  <td key={cell.id}>{flexRender(cell.column.columnDef.cell, cell.getContext())}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Pager table={table} />
    </>
  );
}

function useTable(columns: readonly Column[], rows: readonly Row[]): Table<Row> {
  const [search, setSearch] = useSearchParams();
  const set = (name: string, value: string) =>
    setSearch(
      (before) => {
        const after = new URLSearchParams(before);
        if (value) after.set(name, value);
        else after.delete(name);
        if (name !== 'page') after.delete('page');
        return after;
      },
      { replace: true },
    );
  const by = search.get('sort') ?? '';
  const sorting: SortingState = by ? [{ id: by.replace(/^-/, ''), desc: by.startsWith('-') }] : [];
  const pageIndex = Math.max(0, (Number(search.get('page')) || 1) - 1);
  const defs = useMemo(() => columns.map(columnDef), [columns]);
  const data = useMemo(() => [...rows], [rows]);
  return useReactTable({
    data,
    columns: defs,
    state: { sorting, globalFilter: search.get('q') ?? '', pagination: { pageIndex, pageSize: PAGE_SIZE } },
    onSortingChange: (change) => {
      const [first] = typeof change === 'function' ? change(sorting) : change;
      set('sort', first ? `${first.desc ? '-' : ''}${first.id}` : '');
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

function columnDef({ key, label, kind = 'text', link, cell }: Column): ColumnDef<Row> {
  const valueOf = (row: Row) => (row as Record<string, unknown>)[key];
  return {
    id: key,
    header: label,
    accessorFn: (row) => plain(valueOf(row)),
    enableSorting: cell === undefined,
    sortingFn: (a, b) => compare(valueOf(a.original), valueOf(b.original)),
    cell: ({ row }) => {
      if (cell) return cell(row.original as never);
      const shown = <Value value={valueOf(row.original)} kind={kind} />;
      return link ? <Link href={link(row.original as never)}>{shown}</Link> : shown;
    },
  };
}

/** Numbers, money and times by size, everything else as text; what is missing comes last. */
function compare(a: unknown, b: unknown): number {
  const [left, right] = [a, b].map((value) => (value instanceof Date ? value.getTime() : value));
  if (left === right) return 0;
  if (left === null || left === undefined) return 1;
  if (right === null || right === undefined) return -1;
  if (typeof left === 'bigint' || typeof left === 'number') return left < (right as never) ? -1 : 1;
  return plain(left).localeCompare(plain(right));
}

function Head({ header }: { header: Header<Row, unknown> }): ReactNode {
  const { column } = header;
  const text = flexRender(column.columnDef.header, header.getContext());
  if (!column.getCanSort()) return <th scope="col">{text}</th>;
  const sorted = column.getIsSorted();
  return (
    <th scope="col" aria-sort={sorted === false ? 'none' : sorted === 'asc' ? 'ascending' : 'descending'}>
      <button className="sort" type="button" onClick={column.getToggleSortingHandler()}>
        {text}
        <span aria-hidden="true">{sorted === false ? '↕' : sorted === 'asc' ? '↑' : '↓'}</span>
      </button>
    </th>
  );
}

function TableTools({
  caption,
  columns,
  table,
}: {
  caption: string;
  columns: readonly Column[];
  table: Table<Row>;
}): ReactNode {
  const exportCsv = () => {
    const exported = columns.filter(({ cell }) => cell === undefined);
    const rows = table
      .getSortedRowModel()
      .rows.map(({ original }) =>
        exported.map(({ key }) => plain((original as Record<string, unknown>)[key], true)),
      );
    const labels = exported.map(({ label }) => label);
    const name = `${caption.toLowerCase().replaceAll(/\W+/g, '-')}.csv`;
    saveFile(name, new Blob([csv(labels, rows)], { type: 'text/csv' }));
  };
  return (
    <div className="row tools">
      <label>
        Filter
        <input
          type="search"
          value={String(table.getState().globalFilter)}
          onChange={({ target }) => table.setGlobalFilter(target.value)}
        />
      </label>
      <button className="plain" type="button" onClick={exportCsv}>
        Export CSV
      </button>
    </div>
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
