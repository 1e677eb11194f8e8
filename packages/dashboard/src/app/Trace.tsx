import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { areaBase, webApi, type Area } from './api.js';
import { DataTable, type Column, type Row } from './DataTable.js';
import { Loaded } from './Loaded.js';
import { Facts } from './Value.js';

interface Traced {
  /** Id of the object. */
  readonly id: string;
  readonly area: Area;
  /** The user's agent as which it is looked at. */
  readonly agentId?: string;
}

type Behind = Awaited<ReturnType<ReturnType<typeof webApi>['traces']['get']>>;

const WATCH_MS = 5000;

/** What is behind an object: the request that made it, requests about it, its events, who was told of them, its entries in the books. */
export function Trace({ id, area, agentId }: Traced): ReactNode {
  const query = useQuery({
    queryKey: [area, 'trace', id, agentId],
    queryFn: () => webApi(area).traces.get({ object_id: id, ...(agentId && { agent_id: agentId }) }),
    refetchInterval: WATCH_MS,
  });
  return (
    <Loaded query={query}>
      {(behind) => (
        <>
          <nav className="card" aria-label="Behind it">
            <ul className="links">
              {parts.map(({ anchor, title, count }) => (
                <li key={anchor}>
                  <a href={`#${anchor}`}>
                    {title} ({count(behind)})
                  </a>
                </li>
              ))}
            </ul>
          </nav>
          <Requests behind={behind} base={areaBase(area)} />
          <Listed anchor="ledger" caption="Ledger entries" columns={postings} rows={postingsOf(behind)} />
          <Listed anchor="events" caption="Events of it" columns={events} rows={behind.events} />
          <Listed anchor="deliveries" caption="Deliveries" columns={deliveries} rows={behind.deliveries} />
        </>
      )}
    </Loaded>
  );
}

type Anchor = 'request' | 'ledger' | 'events' | 'deliveries';

const parts: readonly {
  readonly anchor: Anchor;
  readonly title: string;
  readonly empty: string;
  readonly count: (behind: Behind) => number;
}[] = [
  {
    anchor: 'request',
    title: 'Requests',
    empty: 'No request of yours that is kept was about it.',
    count: ({ requests }) => requests.length,
  },
  {
    anchor: 'ledger',
    title: 'Ledger',
    empty: 'The books have no entry of it.',
    count: ({ ledger }) => ledger.length,
  },
  {
    anchor: 'events',
    title: 'Events',
    empty: 'Nobody was told of it yet.',
    count: (behind) => behind.events.length,
  },
  {
    anchor: 'deliveries',
    title: 'Webhook deliveries',
    empty: 'No webhook was told of it.',
    count: (behind) => behind.deliveries.length,
  },
];

const partOf = (anchor: Anchor) => parts.find((part) => part.anchor === anchor) as (typeof parts)[number];

/** Columns of requests; the first leads to the page of one. */
export const requestColumns = (base: string): readonly Column[] => [
  { key: 'id', label: 'Request', kind: 'code', link: ({ id }: { id: string }) => `${base}/requests/${id}` },
  { key: 'at', label: 'Time', kind: 'time' },
  { key: 'method', label: 'Method' },
  { key: 'path', label: 'Path', kind: 'code' },
  { key: 'status', label: 'Status', kind: 'number' },
  { key: 'error', label: 'Error' },
  { key: 'credential_id', label: 'Credential', kind: 'code' },
  { key: 'duration_ms', label: 'Took (ms)', kind: 'number' },
];

const postings: readonly Column[] = [
  { key: 'created_at', label: 'Time', kind: 'time' },
  { key: 'kind', label: 'Entry' },
  { key: 'account', label: 'Account', kind: 'code' },
  { key: 'side', label: 'Side' },
  { key: 'amount', label: 'Amount', kind: 'money' },
  { key: 'asset', label: 'Asset' },
  { key: 'id', label: 'Journal', kind: 'code' },
];

const postingsOf = ({ ledger }: Behind) =>
  ledger.flatMap(({ postings: lines, ...journal }) => lines.map((line) => ({ ...journal, ...line })));

const events: readonly Column[] = [
  { key: 'created_at', label: 'Time', kind: 'time' },
  { key: 'type', label: 'Event' },
  { key: 'id', label: 'Event id', kind: 'code' },
];

const deliveries: readonly Column[] = [
  { key: 'created_at', label: 'Time', kind: 'time' },
  { key: 'type', label: 'Event' },
  { key: 'url', label: 'To' },
  { key: 'status', label: 'Status', kind: 'status' },
  { key: 'attempts', label: 'Attempts', kind: 'number' },
  { key: 'response_status', label: 'Response', kind: 'number' },
  { key: 'id', label: 'Delivery', kind: 'code' },
];

function Requests({ behind, base }: { behind: Behind; base: string }): ReactNode {
  const { request, requests } = behind;
  return (
    <section className="card" id="request" aria-label="Requests">
      <h2>Requests</h2>
      {request ? (
        <>
          <Facts
            facts={[
              ['Made by', `${request.method} ${request.path}`, 'code'],
              ['At', request.at],
              ['Status', String(request.status)],
              ['Credential', request.credential_id, 'code'],
              ['X-Request-Id', request.request_id, 'code'],
            ]}
          />
          <Link href={`${base}/requests/${request.id}`}>The request that made it</Link>
        </>
      ) : (
        <p className="muted">
          No request of yours made it, or none of the last 30 days: somebody else did, or the platform by
          itself.
        </p>
      )}
      <DataTable
        name="requests"
        caption="Requests about it"
        columns={requestColumns(base)}
        rows={requests}
        empty={partOf('request').empty}
      />
    </section>
  );
}

function Listed({
  anchor,
  caption,
  columns,
  rows,
}: {
  anchor: Anchor;
  caption: string;
  columns: readonly Column[];
  rows: readonly Row[];
}): ReactNode {
  const { title, empty } = partOf(anchor);
  return (
    <section className="card" id={anchor} aria-label={title}>
      <h2>{title}</h2>
      <DataTable name={anchor} caption={caption} columns={columns} rows={rows} empty={empty} />
    </section>
  );
}
